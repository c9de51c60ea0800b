package registry

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/regpass/regpass"
)

// octoSTS is octo-sts.dev, a GitHub App that exchanges identities for its own tokens of GitHub: for another repository
// than the job's, and from other CI systems.
var octoSTS = Row{
	Name:    "octo-sts",
	Title:   "GitHub by octo-sts, for other repositories and other CI systems",
	Proven:  "a strict fake",
	Doc:     "https://github.com/octo-sts/app",
	Pages:   []string{"octo-sts.dev"},
	Hosts:   []string{"github.com, ghcr.io and *.pkg.github.com, with type=octo-sts"},
	Example: "https://ghcr.io/acme type=octo-sts scope=acme/private identity=ci",
	Match:   func(*regpass.Env, regpass.Ref) bool { return false },
	Options: []Option{octoScope, octoIdentity, octoDomain},
	OIDC:    true,
	Needs:   []string{octoScope.Name, octoIdentity.Name},
	Images:  true,
	Refusals: []Refusal{
		{"unable to find trust policy", "the repository has no .github/chainguard/IDENTITY.sts.yaml on its default branch, " +
			"or octo-sts is not installed for it; a new policy may take 5 minutes"},
		{"trust policy", "the trust policy does not match these claims; a changed one may take 5 minutes"},
		{"unable to verify bearer token", "octo-sts cannot read the keys of this issuer, which must be on the internet"},
		{"scope must be provided", "set scope=ORG/REPO"},
	},
	Trust:  trustOctoSTS,
	Open:   openOctoSTS,
	Revoke: revokeOctoSTS,
}

// The options are the inputs of octo-sts/action.
var (
	octoScope    = Option{Name: "scope", Doc: "repository whose trust policy lets the job in: ORG/REPO, or ORG"}
	octoIdentity = Option{Name: "identity", Doc: "name of the trust policy: .github/chainguard/NAME.sts.yaml"}
	octoDomain   = Option{Name: "domain", Doc: "host of the service, if it is one of your own; else octo-sts.dev"}
)

// githubTokenLife is how long the token of a GitHub App lasts
// (https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app).
const githubTokenLife = time.Hour

var (
	octoScopeText    = regpass.Pattern(`^[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)?$`)
	octoIdentityText = regpass.Pattern(`^[A-Za-z0-9_-][A-Za-z0-9_./-]*$`)
	octoDomainText   = regpass.Pattern(`^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?$`)
)

// octoRef is one trust policy.
type octoRef struct{ scope, identity string }

func openOctoSTS(env *regpass.Env, ref regpass.Ref) (Target, error) {
	api, err := githubAPI(env, ref)
	if err != nil {
		return Target{}, err
	}
	o := octoRef{ref.Options[octoScope.Name], ref.Options[octoIdentity.Name]}
	domain := cmp.Or(strings.ToLower(ref.Options[octoDomain.Name]), "octo-sts.dev")
	switch {
	case o.scope != "" && !octoScopeText().MatchString(o.scope):
		return Target{}, regpass.Usagef("scope=%s is neither ORG/REPO nor ORG", regpass.Quote(o.scope))
	case o.identity != "" && (!octoIdentityText().MatchString(o.identity) || strings.Contains(o.identity, "..")):
		return Target{}, regpass.Usagef("identity=%s is no name of a trust policy", regpass.Quote(o.identity))
	case !octoDomainText().MatchString(domain):
		return Target{}, regpass.Usagef("domain=%s is no host", regpass.Quote(domain))
	}
	return Target{Receiver: &url.URL{Scheme: "https", Host: domain}, Revoker: api, Scope: scopeOf(ref), exchanger: o,
		Audience: cmp.Or(ref.Options["audience"], domain)}, nil
}

// githubAPI is GitHub's API for the host of ref, which must be GitHub's: that of github.com, or that of the server that
// runs the job, as GITHUB_API_URL says.
func githubAPI(env *regpass.Env, ref regpass.Ref) (*url.URL, error) {
	if inGitHub(ref.Host) {
		return url.Parse("https://api.github.com")
	}
	own := githubOfJob(env)
	if own == nil || ref.Host != own.Host && githubServes(env, ref) != own.String() {
		err := regpass.Usagef("%s is no host of GitHub", regpass.Quote(ref.Host))
		return nil, regpass.Hintf(err, "octo-sts gives tokens for github.com, ghcr.io and *.pkg.github.com, and for the "+
			"GitHub that runs the job")
	}
	api, err := env.Endpoint(own.String()+"/api/v3", "GITHUB_API_URL")
	if err == nil && api.Host != own.Host && api.Host != "api."+own.Host { // the latter on ghe.com
		err = regpass.Usagef("GITHUB_API_URL is not of the server %s", regpass.Quote(own.Host))
	}
	if err != nil {
		return nil, err
	}
	return baseOf(api), nil
}

// exchange exchanges the identity for a token of GitHub.
//
//	GET /sts/exchange?identity=NAME&scope=ORG/REPO   Authorization: Bearer ID token
//	{"token": "ghs_…"}
//
// octo-sts/action, index.js.
func (o octoRef) exchange(ctx context.Context, env *regpass.Env, t Target, p Proof) (regpass.Credential, error) {
	if p.Method != regpass.OIDC {
		return regpass.Credential{}, t.unsupported(p)
	}
	const op = "octo-sts: exchange the CI identity"
	at := apiURL(t.Receiver, "/sts/exchange")
	at.RawQuery = url.Values{"scope": {o.scope}, "identity": {o.identity}}.Encode()
	var got struct{ Token string }
	err := p.withIdentity(ctx, env, "octo-sts", t.Audience, func(ctx context.Context, id regpass.Identity) error {
		return env.DoJSON(ctx, regpass.Request{Op: op, Method: http.MethodGet, URL: at, Bearer: id.Token}, &got)
	})
	if err != nil {
		return regpass.Credential{}, err
	}
	minted, err := newTokenUntil(env, op, got.Token, githubTokenLife.Seconds(), fromNow)
	return regpass.Credential{Kind: regpass.Bearer, Username: githubUser, Secret: minted.secret,
		Expires: minted.expires}, err
}

// revokeOctoSTS ends a token of a GitHub App. 401 means that it had ended already.
//
//	DELETE /installation/token   Authorization: Bearer TOKEN
//
// https://docs.github.com/rest/apps/installations#revoke-an-installation-access-token
func revokeOctoSTS(ctx context.Context, env *regpass.Env, api *url.URL, cred regpass.Credential) error {
	err := env.Retry(ctx, func(ctx context.Context) error {
		_, err := env.Do(ctx, regpass.Request{Op: "octo-sts: revoke the token", Method: http.MethodDelete,
			URL: api.JoinPath("installation/token"), Bearer: cred.Secret,
			Header: http.Header{"Accept": {"application/vnd.github+json"}}})
		return err
	})
	if status(err) == http.StatusUnauthorized {
		return nil
	}
	return err
}

// octoPolicy is a trust policy (https://github.com/octo-sts/app#the-trust-policy). A document in JSON is one in YAML.
type octoPolicy struct {
	Issuer       string            `json:"issuer"`
	Subject      string            `json:"subject"`
	Audience     string            `json:"audience,omitempty"`
	ClaimPattern map[string]string `json:"claim_pattern,omitempty"`
	Permissions  map[string]string `json:"permissions"`
}

// trustOctoSTS lets one job read a repository and its packages.
func trustOctoSTS(_ *regpass.Env, t Target, j Job) (Trust, error) {
	o, _ := t.exchanger.(octoRef)
	scope, identity := known(o.scope, "ORG/REPO"), known(o.identity, "NAME")
	repository := scope
	if !strings.Contains(scope, "/") {
		repository += "/.github" // a policy of the whole organization is there
	}
	policy := octoPolicy{Issuer: j.Issuer, Subject: j.Subject(), ClaimPattern: map[string]string{},
		Permissions: map[string]string{"contents": "read", "packages": "read"}}
	if j.Audience != t.Receiver.Host {
		policy.Audience = j.Audience
	}
	for name, value := range claimMap(j.telling()) {
		if name != "sub" {
			policy.ClaimPattern[name] = regexp.QuoteMeta(value)
		}
	}
	file := ".github/chainguard/" + identity + ".sts.yaml"
	out := Trust{
		Where:     "the repository " + repository + ", in " + file + " on its default branch",
		Fields:    []Field{{"issuer", policy.Issuer}, {"subject", policy.Subject}},
		Documents: []Document{{file, policy}},
		Notes: []string{"The document is YAML too; octo-sts must be installed for the repository.",
			"octo-sts remembers a policy for 5 minutes.", "subject is compared letter by letter; claim_pattern holds " +
				"regular expressions for the whole value.", "Give fewer permissions if the job needs fewer."},
	}
	if len(policy.ClaimPattern) > 0 {
		out.Fields = append(out.Fields, Field{"claim_pattern", compactJSON(policy.ClaimPattern)})
	}
	out.Fields = append(out.Fields, Field{"permissions", "contents: read, packages: read"})
	if j.passing() {
		out.Notes = append(out.Notes, passingNote)
	}
	out.Shell = fmt.Sprintf("gh api --method PUT %s -f %s -f %s\n", shell("repos/"+repository+"/contents/"+file),
		shell("message=octo-sts: trust policy "+identity),
		shell("content="+base64.StdEncoding.EncodeToString([]byte(compactJSON(policy)+"\n"))))
	return out, nil
}
