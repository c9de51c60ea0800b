package registry

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/regpass/regpass"
)

// googleScope is what access tokens are asked for: the only scope that Artifact Registry and impersonation take both.
const googleScope = "https://www.googleapis.com/auth/cloud-platform"

// googleRefusals are what Google's endpoints answer (google-github-actions/auth, docs/TROUBLESHOOTING.md).
var googleRefusals = []Refusal{
	{"should be the full resource name of the Identity Provider", "provider= names no provider: it needs the project's " +
		"number, not its id, and a provider, not its pool"},
	{"The target service indicated by the", "the pool or the provider is disabled or deleted, or does not exist"},
	{"rejected by the attribute condition", "the provider's attribute condition does not match these claims; a change " +
		"of it may take 5 minutes"},
	{"exceeds the 127 bytes limit", "map google.subject to a shorter claim than sub, such as the repository's id"},
	{"iam.serviceAccounts.getAccessToken", "the service account does not exist, or lacks the binding of " +
		"roles/iam.workloadIdentityUser to the job's principal"},
	{"lifetime cannot exceed 3600 seconds", "the clock here is wrong, or the credentials file asks for more than an hour"},
}

// googleOwn is the domain of Google's own services.
const googleOwn = "googleapis.com"

// googleUniverse is the domain of Google's services, or of another operator's
// (https://cloud.google.com/docs/authentication/universe-domain). On this machine, all services are one server.
func googleUniverse(env *regpass.Env) (string, error) {
	const name = "GOOGLE_CLOUD_UNIVERSE_DOMAIN"
	domain := env.Getenv(name)
	u, err := url.Parse("https://" + domain)
	switch {
	case domain == "":
		return googleOwn, nil
	case err != nil || u.Host != domain || u.Port() != "" && !regpass.Loopback(u.Hostname()) ||
		!strings.Contains(domain, ".") && !regpass.Loopback(u.Hostname()):
		err := regpass.Usagef("%s is %s, which is no domain", name, regpass.Quote(domain))
		return "", regpass.Hintf(err, "unset it for Google's own cloud")
	}
	return strings.ToLower(domain), nil
}

// googleAPI is the URL of a service: https://sts.googleapis.com/PATH.
func googleAPI(env *regpass.Env, service, path string) (*url.URL, error) {
	domain, err := googleUniverse(env)
	if err != nil {
		return nil, err
	}
	if local := (&url.URL{Host: domain}); regpass.Loopback(local.Hostname()) {
		return &url.URL{Scheme: "http", Host: domain, Path: path}, nil
	}
	return &url.URL{Scheme: "https", Host: service + "." + domain, Path: path}, nil
}

// googleAnswer is the answer of all endpoints for tokens (RFC 6749, section 5.1).
type googleAnswer struct {
	Token   string `json:"access_token"`
	Expires any    `json:"expires_in"`
}

func (a googleAnswer) token(env *regpass.Env, op string) (token, error) {
	return newTokenUntil(env, op, a.Token, a.Expires, fromNow)
}

// googleGrant asks for a token with a proof that may be shown again.
func googleGrant(ctx context.Context, env *regpass.Env, r regpass.Request) (token, error) {
	var got googleAnswer
	if err := env.Retry(ctx, func(ctx context.Context) error { return env.DoJSON(ctx, r, &got) }); err != nil {
		return token{}, err
	}
	return got.token(env, r.Op)
}

// googleExchangeForm is what Security Token Service takes (RFC 8693, in Google's reading).
//
//	POST https://sts.googleapis.com/v1/token   audience=//iam.googleapis.com/projects/…&subject_token=…
//	{"access_token": …, "expires_in": 3599}
//
// https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token
func googleExchangeForm(audience, subjectType string, subject regpass.Secret) map[string]any {
	return map[string]any{
		"audience":             audience,
		"grant_type":           "urn:ietf:params:oauth:grant-type:token-exchange",
		"requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
		"subject_token_type":   subjectType,
		"subject_token":        subject,
		"scope":                googleScope,
	}
}

// federate exchanges a CI identity.
func (g googleRef) federate(ctx context.Context, env *regpass.Env, t Target, p Proof) (token, error) {
	const op = "google: exchange the CI identity"
	var got googleAnswer
	err := p.withIdentity(ctx, env, t.Row.Name, t.Audience, func(ctx context.Context, id regpass.Identity) error {
		return env.DoJSON(ctx, regpass.Request{Op: op, Method: http.MethodPost, URL: apiURL(t.Receiver, "/v1/token"),
			Form: googleExchangeForm("//iam.googleapis.com/"+g.provider, "urn:ietf:params:oauth:token-type:jwt", id.Token),
		}, &got)
	})
	if err != nil {
		return token{}, err
	}
	return got.token(env, op)
}

// googleImpersonate gets a token of a service account with one of a principal that may act as it.
func googleImpersonate(ctx context.Context, env *regpass.Env, by token, account string) (token, error) {
	at, err := googleAPI(env, "iamcredentials", "/v1/projects/-/serviceAccounts/"+account+":generateAccessToken")
	if err != nil {
		return token{}, err
	}
	return googleActAs(ctx, env, by, at, 0, nil)
}

// googleActAs gets a token of the service account that the URL names. Without a number of seconds, it asks for less
// than the hour that is allowed: to a clock that is behind Google's, an hour is too long.
//
//	POST https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/EMAIL:generateAccessToken
//	{"accessToken": …, "expireTime": "2026-11-24T16:17:10Z"}
//
// https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
func googleActAs(ctx context.Context, env *regpass.Env, by token, at *url.URL, seconds int, delegates []string) (
	token, error) {
	if seconds <= 0 {
		seconds = 3300
	}
	body := map[string]any{"scope": []string{googleScope}, "lifetime": fmt.Sprintf("%ds", seconds)}
	if len(delegates) > 0 {
		body["delegates"] = delegates
	}
	r := regpass.Request{Op: "google: impersonate the service account", Method: http.MethodPost, URL: at,
		Bearer: by.secret, JSON: body}
	var got struct {
		Token   string `json:"accessToken"`
		Expires any    `json:"expireTime"`
	}
	if err := env.Retry(ctx, func(ctx context.Context) error { return env.DoJSON(ctx, r, &got) }); err != nil {
		return token{}, err
	}
	return newTokenUntil(env, r.Op, got.Token, got.Expires, date)
}
