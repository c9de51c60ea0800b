package registry

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/regpass/regpass"
)

// jfrog is JFrog Artifactory. The part of the platform that makes tokens, access, lies beside artifactory, so a server
// may lie below any path; JF_URL, which JFrog's own programs read, says where.
//
// Whoever runs a tenant of jfrog.io sees the proof, so a file of the checkout can name only the server of JF_URL.
var jfrog = Row{
	Name:    "jfrog",
	Also:    []string{"artifactory"},
	Title:   "JFrog Artifactory",
	Proven:  "JFrog's client, with a strict fake",
	Doc:     "https://jfrog.com/help/r/jfrog-platform-administration-documentation/configure-an-oidc-integration",
	Pages:   []string{"jfrog.com"},
	Hosts:   []string{"TENANT.jfrog.io", "the host of JF_URL"},
	Example: "https://acme.jfrog.io/artifactory/api/pypi/pypi/simple",
	Match: func(env *regpass.Env, ref regpass.Ref) bool {
		return ref.URL.Scheme == "https" && jfrogHost(ref.Host) != nil || onJFURL(env, ref)
	},
	AnyHost: true,
	Vouches: onJFURL,
	Vouch:   "JF_URL",
	Runs:    "Artifactory",
	Path:    "/artifactory/",
	Proofs: []Source{
		{Method: regpass.ReadyToken, Vars: []string{"JF_ACCESS_TOKEN"}, Server: "JF_URL", Doc: "on the server of JF_URL",
			Read: readJFToken},
		{Method: regpass.APIKey, Vars: []string{"JF_USER", "JF_PASSWORD"}, Parts: 2, Server: "JF_URL",
			Doc: "on the server of JF_URL", Read: readJFPassword},
	},
	Options: []Option{jfrogProvider, jfrogProject, jfrogMapping},
	OIDC:    true,
	Needs:   []string{jfrogProvider.Name},
	Images:  true,
	Refusals: []Refusal{ // by status: the texts are not documented
		{"404 Not Found", "the server may have no OIDC integration of that name, or JFrog's platform is not at this " +
			"address: if it lies below a path, set JF_URL to its URL with the path"},
		{"401 Unauthorized", "issuer or audience may differ from those of the OIDC integration, or none of its identity " +
			"mappings matches these claims"},
		{"403 Forbidden", "it may be that no identity mapping of the OIDC integration matches these claims"},
	},
	Trust:  trustJFrog,
	Open:   openJFrog,
	Revoke: revokeJFrog,
}

// The options of jfrog. JFrog's own programs take the provider as an argument; the variables are those of its examples.
var (
	jfrogProvider = Option{Name: "provider", Vars: []string{"JF_OIDC_PROVIDER_NAME", "JF_OIDC_PROVIDER"},
		Doc: "name of the OIDC integration at JFrog"}
	jfrogProject = Option{Name: "project", Vars: []string{"JF_PROJECT"},
		Doc: "key of the project that the OIDC integration belongs to"}
	jfrogMapping = Option{Name: "identity-mapping", Doc: "name of the one identity mapping to try"}
)

var (
	// jfrogHost matches JFrog's own service.
	jfrogHost = hostPattern(`^[a-z0-9][a-z0-9-]*\.jfrog\.io$`, ".jfrog.io")
	// jfrogUserName matches a name that may go into files and variables.
	jfrogUserName = regpass.Pattern(`^[A-Za-z0-9_][A-Za-z0-9._@+-]{0,255}$`)
)

// jfURL is the platform that JF_URL names, or nil.
func jfURL(env *regpass.Env) (*url.URL, error) {
	v := env.Getenv("JF_URL")
	if v == "" {
		return nil, nil
	}
	ref, err := regpass.ParseRef(v)
	if err != nil {
		return nil, fmt.Errorf("jfrog: JF_URL: %w", err)
	}
	if at, found := aboveArtifactory(ref); found {
		return at, nil
	}
	at := origin(ref)
	at.Path = strings.TrimRight(ref.URL.Path, "/")
	return at, nil
}

// onJFURL reports whether ref is at the origin of JF_URL. Its path does not matter: a proof goes below the path of
// JF_URL, whatever ref's is.
func onJFURL(env *regpass.Env, ref regpass.Ref) bool {
	at, err := jfURL(env)
	return err == nil && at != nil && at.Scheme == ref.URL.Scheme && at.Host == ref.URL.Host
}

// aboveArtifactory is the URL of the platform that ref is on, if its path says so; otherwise its origin.
func aboveArtifactory(ref regpass.Ref) (at *url.URL, found bool) {
	at = origin(ref)
	before, _, found := strings.Cut(ref.URL.Path+"/", "/artifactory/")
	if found {
		at.Path = strings.TrimRight(before, "/")
	}
	return at, found
}

// jfrogRef is a platform of JFrog.
type jfrogRef struct{ keyRef }

func openJFrog(env *regpass.Env, ref regpass.Ref) (Target, error) {
	base, err := jfURL(env)
	if err != nil {
		return Target{}, err
	}
	audience := env.Getenv("JF_OIDC_AUDIENCE")
	if !onJFURL(env, ref) {
		if base != nil {
			audience = "" // it is that of the server of JF_URL
		}
		base, _ = aboveArtifactory(ref)
	}
	t := Target{Receiver: base, exchanger: jfrogRef{keyRef{usual: regpass.Bearer}}}
	// A common audience, such as jfrog-github, would let the administrator of one tenant use the identity at another.
	t.Audience = cmp.Or(ref.Options["audience"], audience, base.String())
	t.Scope = fmt.Sprintf("read %q %q %q", jfrogProvider.value(env, ref), jfrogProject.value(env, ref),
		jfrogMapping.value(env, ref))
	return t, nil
}

// readJFToken reads the token that JFrog's programs use. Only the server that JF_URL names may see it.
func readJFToken(env *regpass.Env, t Target) (Proof, bool, error) {
	token := env.Getenv("JF_ACCESS_TOKEN")
	if token == "" {
		return Proof{}, false, nil
	}
	return onlyOnJFURL(env, t, Proof{Method: regpass.ReadyToken, From: "JF_ACCESS_TOKEN",
		Secret: regpass.SecretLine(token), Kind: regpass.Bearer})
}

// readJFPassword is readJFToken for a user and a password.
func readJFPassword(env *regpass.Env, t Target) (Proof, bool, error) {
	user, password := env.Getenv("JF_USER"), env.Getenv("JF_PASSWORD")
	if user == "" || password == "" {
		return Proof{}, false, nil
	}
	return onlyOnJFURL(env, t, Proof{Method: regpass.APIKey, From: "JF_PASSWORD", Secret: regpass.SecretLine(password),
		Kind: regpass.Basic, Username: user})
}

// onlyOnJFURL passes the proof on to the server of JF_URL alone. Without JF_URL nobody knows whose it is, which is an
// error if nothing else can be shown.
func onlyOnJFURL(env *regpass.Env, t Target, p Proof) (Proof, bool, error) {
	if env.Getenv("JF_URL") == "" && t.option(env, jfrogProvider.Name) == "" {
		err := regpass.NoIdentityf("jfrog: %s is set, but JF_URL does not say for which server", p.From)
		return Proof{}, false, regpass.Hintf(err, "if it is for this one, set JF_URL=%s", t.Receiver)
	}
	return p, onJFURL(env, t.Ref), nil
}

// exchange exchanges a CI identity; everything else is the credential. JFrog takes its tokens as Bearer, and as the
// password of the user that they are for.
//
//	POST /access/api/v1/oidc/token   {"grant_type": …, "subject_token": ID token, "provider_name": …}
//	{"access_token": JWT, "expires_in": seconds, "username": …}
//
// jfrog-client-go 1.55.0, access/services/accesstoken.go, ExchangeOidcToken. All but access_token may be missing.
func (j jfrogRef) exchange(ctx context.Context, env *regpass.Env, t Target, p Proof) (regpass.Credential, error) {
	if p.Method != regpass.OIDC {
		cred, err := j.keyRef.exchange(ctx, env, t, p)
		if err == nil && cred.Kind == regpass.Bearer && cred.Username == "" {
			cred.Username = jfrogUser("", cred.Secret)
		}
		return cred, err
	}
	const op = "jfrog: exchange the CI identity"
	body := map[string]any{
		"grant_type":         "urn:ietf:params:oauth:grant-type:token-exchange",
		"subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
		"provider_name":      t.option(env, jfrogProvider.Name),
	}
	for field, option := range map[string]Option{"project_key": jfrogProject, "identity_mapping_name": jfrogMapping} {
		if v := t.option(env, option.Name); v != "" {
			body[field] = v
		}
	}
	var got struct {
		Token    string `json:"access_token"`
		Expires  any    `json:"expires_in"`
		Username any    `json:"username"`
	}
	err := p.withIdentity(ctx, env, "jfrog", t.Audience, func(ctx context.Context, id regpass.Identity) error {
		body["subject_token"] = id.Token
		return env.DoJSON(ctx, regpass.Request{Op: op, Method: http.MethodPost,
			URL: t.Receiver.JoinPath("access/api/v1/oidc/token"), JSON: body}, &got)
	})
	if err != nil {
		return regpass.Credential{}, err
	}
	minted, err := newTokenUntil(env, op, got.Token, got.Expires, fromNow)
	username, _ := got.Username.(string)
	return regpass.Credential{Kind: regpass.Bearer, Username: jfrogUser(username, minted.secret), Secret: minted.secret,
		Expires: minted.expires}, err
}

// jfrogUser is the user that a token is for: the one that the answer names, or the end of the token's subject
// (jfrt@ID/users/NAME, as setup-jfrog-cli 5.1.0 reads it in src/oidc-utils.ts). Empty: neither is a name.
func jfrogUser(answered string, token regpass.Secret) string {
	claims, _ := regpass.DecodeJWT(token)
	for _, name := range []string{answered, claims.Subject[strings.LastIndex(claims.Subject, "/")+1:]} {
		if jfrogUserName().MatchString(name) {
			return name
		}
	}
	return ""
}

// revokeJFrog ends a token, which may do that itself.
//
//	DELETE /access/api/v1/tokens/me   Authorization: Bearer TOKEN
//	200, or 204 if it was revoked before
//
// https://jfrog.com/help/r/jfrog-rest-apis/revoke-token-by-id; Artifactory 7.53.1 and later.
func revokeJFrog(ctx context.Context, env *regpass.Env, at *url.URL, cred regpass.Credential) error {
	if !cred.Expires.IsZero() && !cred.Expires.After(env.Now()) {
		return nil
	}
	err := env.Retry(ctx, func(ctx context.Context) error {
		_, err := env.Do(ctx, regpass.Request{Op: "jfrog: revoke the token", Method: http.MethodDelete,
			URL: at.JoinPath("access/api/v1/tokens/me"), Bearer: cred.Secret})
		return err
	})
	switch status(err) {
	case http.StatusUnauthorized:
		return nil // it has ended
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return regpass.Hintf(err, "Artifactory before 7.53.1 cannot revoke a token that way; it ends by itself")
	}
	return err
}

// trustJFrog lets one job in: an OIDC integration for its issuer, and an identity mapping for its claims
// (https://registry.terraform.io/providers/jfrog/platform/latest/docs/resources/oidc_identity_mapping). A * in a claim
// stands for any text there (https://jfrog.com/help/r/jfrog-platform-administration-documentation/identity-mappings,
// and its article 000006684, which has "ref": "refs/heads/*").
func trustJFrog(env *regpass.Env, t Target, j Job) (Trust, error) {
	if err := withoutStar(t.Row.Name, j.telling()); err != nil {
		return Trust{}, err
	}
	provider := cmp.Or(jfrogProvider.value(env, t.Ref), "regpass-ci")
	kind, organization := "Generic OpenID Connect", ""
	if j.Issuer == "https://token.actions.githubusercontent.com" {
		kind, organization = "GitHub", j.Claim("repository_owner")
	}
	integration := map[string]any{"name": provider, "issuer_url": j.Issuer, "provider_type": kind,
		"audience": j.Audience}
	if organization != "" {
		integration["organization"] = organization
	}
	spec := map[string]any{"scope": `applied-permissions/groups:"` + placeholder("group") + `"`, "audience": "*@*",
		"expires_in": 3600}
	claims := claimMap(j.telling())
	mapping := map[string]any{"name": "regpass", "priority": 1, "claims": claims, "token_spec": spec}
	out := Trust{
		Where: t.Receiver.String() + ", Administration, General Management, Manage Integrations, OpenID Connect",
		Fields: append([]Field{{"provider name", provider}, {"provider type", kind}, {"provider URL", j.Issuer},
			{"audience", j.Audience}}, claimFields(j.telling())...),
		Documents: []Document{{"OIDC integration, for POST /access/api/v1/oidc", integration},
			{"identity mapping, for POST /access/api/v1/oidc/PROVIDER/identity_mappings", mapping}},
		Workflow: []Field{{"JF_URL", t.Receiver.String()}, {"JF_OIDC_PROVIDER_NAME", provider}},
		Notes: []string{"The group decides what the job may read. A scope of applied-permissions/user needs a username " +
			"beside it."},
	}
	if organization != "" {
		out.Fields = append(out.Fields, Field{"organization", organization})
		organization = "\n  organization  = " + hcl(organization)
	}
	out.Terraform = fmt.Sprintf(`resource "platform_oidc_configuration" "ci" {
  name          = %s
  issuer_url    = %s
  provider_type = %s
  audience      = %s%s
}

resource "platform_oidc_identity_mapping" "regpass" {
  name          = "regpass"
  provider_name = platform_oidc_configuration.ci.name
  priority      = 1
  claims_json   = %s
  token_spec = {
    scope      = %s
    audience   = "*@*"
    expires_in = 3600
  }
}
`, hcl(provider), hcl(j.Issuer), hcl(kind), hcl(j.Audience), organization, hcl(compactJSON(claims)),
		hcl(fmt.Sprint(spec["scope"])))
	return out, nil
}
