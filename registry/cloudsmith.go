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

// cloudsmith is Cloudsmith. The URL names the organization; which service account the job may be is in
// CLOUDSMITH_SERVICE_SLUG, where Cloudsmith's CLI and its action have it too.
var cloudsmith = Row{
	Name:    "cloudsmith",
	Title:   "Cloudsmith",
	Proven:  "a strict fake",
	Doc:     "https://docs.cloudsmith.com/authentication/openid-connect",
	Hosts:   []string{"*.cloudsmith.io", "*.cloudsmith.com"},
	Example: "https://dl.cloudsmith.io/basic/acme/main/python/simple/",
	Match: func(_ *regpass.Env, ref regpass.Ref) bool {
		return ref.URL.Scheme == "https" && onCloudsmith(ref.Host) // Host has no port, so 443
	},
	Proofs:    []Source{{Method: regpass.APIKey, Vars: []string{"CLOUDSMITH_API_KEY"}}},
	ClientVar: "CLOUDSMITH_API_KEY",
	Options:   []Option{cloudsmithService, cloudsmithOrg},
	OIDC:      true,
	Needs:     []string{cloudsmithService.Name},
	Images:    true,
	Refusals: []Refusal{ // by status: the texts are not documented
		{"404 Not Found", "there may be no such organization, or no service account of that slug in it"},
		{"401 Unauthorized", "the organization may have no OIDC provider for this issuer with these claims and this " +
			"service account"},
		{"403 Forbidden", "the organization may have no OIDC provider for this issuer with these claims and this " +
			"service account"},
		{"422 Unprocessable", "the organization may have no OIDC provider for this issuer with these claims and this " +
			"service account"},
	},
	Trust: trustCloudsmith,
	Open:  openCloudsmith,
}

// The options of cloudsmith (cloudsmith-cli, core/credentials/oidc).
var (
	cloudsmithService = Option{Name: "service", Vars: []string{"CLOUDSMITH_SERVICE_SLUG"},
		Doc: "slug of the service account that the CI identity is exchanged for"}
	cloudsmithOrg = Option{Name: "org", Doc: "slug of the organization, if the URL does not name it; " +
		"otherwise CLOUDSMITH_ORG"}
)

// cloudsmithUser is the user name for every token and key.
const cloudsmithUser = "token"

// cloudsmithSlug matches the slug of an organization: one path segment that needs no escaping.
var cloudsmithSlug = regpass.Pattern(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

func onCloudsmith(host string) bool {
	return inDomain(host, "cloudsmith.io") || inDomain(host, "cloudsmith.com")
}

// cloudsmithRef is an organization at Cloudsmith.
type cloudsmithRef struct{ org string }

func openCloudsmith(env *regpass.Env, ref regpass.Ref) (Target, error) {
	api, err := env.Endpoint("https://api.cloudsmith.io", "CLOUDSMITH_API_HOST")
	if err != nil {
		return Target{}, err
	}
	if host := api.Hostname(); !onCloudsmith(host) && !regpass.Loopback(host) {
		err := regpass.Usagef("CLOUDSMITH_API_HOST: %s is not Cloudsmith's", regpass.Quote(host))
		return Target{}, regpass.Hintf(err, "set it to a URL below cloudsmith.io or cloudsmith.com, or unset it")
	}
	c := cloudsmithRef{org: cmp.Or(ref.Options["org"], cloudsmithOrgIn(ref), env.Getenv("CLOUDSMITH_ORG"))}
	if c.org != "" && !cloudsmithSlug().MatchString(c.org) {
		return Target{}, regpass.Usagef("cloudsmith: %s is not the slug of an organization", regpass.Quote(c.org))
	}
	return Target{
		Receiver:  &url.URL{Scheme: api.Scheme, Host: api.Host},
		Audience:  cmp.Or(ref.Options["audience"], env.Getenv("CLOUDSMITH_OIDC_AUDIENCE"), "cloudsmith"),
		Scope:     fmt.Sprintf("%s as %q", c.org, cloudsmithService.value(env, ref)),
		exchanger: c,
	}, nil
}

// cloudsmithOrgIn is the organization in a URL, or empty:
//
//	https://dl.cloudsmith.io/{basic|public}/ORG/REPO/python/simple/
//	https://FORMAT.cloudsmith.io/ORG/REPO/…
func cloudsmithOrgIn(ref regpass.Ref) string {
	s := segments(ref.URL)
	first, _, _ := strings.Cut(ref.Host, ".")
	switch {
	case first == "dl" && len(s) >= 3:
		return s[1]
	case first == "dl", first == "api", first == "cloudsmith":
		return ""
	}
	return s[0]
}

// exchange exchanges a CI identity for a token of two hours. A key is used as it is.
//
//	POST /openid/{org}/   {"oidc_token": ID token, "service_slug": …}
//	{"token": JWT}
//
// cloudsmith-cli efeae63, core/credentials/oidc/exchange.py.
func (c cloudsmithRef) exchange(ctx context.Context, env *regpass.Env, t Target, p Proof) (regpass.Credential, error) {
	var got token
	var err error
	switch p.Method {
	case regpass.APIKey, regpass.ReadyToken:
		got, err = p.readyToken(env, "cloudsmith")
	case regpass.OIDC:
		got, err = c.mint(ctx, env, t, p)
	default:
		err = t.unsupported(p)
	}
	if err != nil {
		return regpass.Credential{}, err
	}
	return regpass.Credential{Kind: regpass.Basic, Username: cloudsmithUser, Secret: got.secret, Expires: got.expires}, nil
}

func (c cloudsmithRef) mint(ctx context.Context, env *regpass.Env, t Target, p Proof) (token, error) {
	if c.org == "" {
		err := regpass.Usagef("cloudsmith: %s does not name an organization", regpass.Quote(t.Ref.String()))
		return token{}, regpass.Hintf(err, "add org=SLUG to the registry, or set CLOUDSMITH_ORG")
	}
	const op = "cloudsmith: exchange the CI identity"
	var got struct {
		Token string `json:"token"`
	}
	err := p.withIdentity(ctx, env, "cloudsmith", t.Audience, func(ctx context.Context, id regpass.Identity) error {
		return env.DoJSON(ctx, regpass.Request{Op: op, Method: http.MethodPost,
			URL:  apiURL(t.Receiver, "/openid/"+c.org+"/"),
			JSON: map[string]any{"oidc_token": id.Token, "service_slug": t.option(env, cloudsmithService.Name)}}, &got)
	})
	if err != nil {
		return token{}, err
	}
	return newToken(env, op, got.Token)
}

// trustCloudsmith lets one job be a service account
// (https://registry.terraform.io/providers/cloudsmith-io/cloudsmith/latest/docs/resources/oidc). A * at the end of a
// claim stands for any text there since September 2024 (Cloudsmith's changelog, "the wildcard operator").
func trustCloudsmith(env *regpass.Env, t Target, j Job) (Trust, error) {
	if err := withoutStar(t.Row.Name, j.telling()); err != nil {
		return Trust{}, err
	}
	c, _ := t.exchanger.(cloudsmithRef)
	org := known(c.org, "organization")
	service := cmp.Or(cloudsmithService.value(env, t.Ref), placeholder("service account"))
	var claims strings.Builder
	for _, claim := range j.telling() {
		fmt.Fprintf(&claims, "    %s = %s\n", hcl(claim.Name), hcl(claim.Value))
	}
	return Trust{
		Where: "the settings of the organization " + org + " at Cloudsmith, Authentication, OpenID Connect",
		Fields: append([]Field{{"provider URL", j.Issuer}, {"service account", service}},
			claimFields(j.telling())...),
		Terraform: fmt.Sprintf(`resource "cloudsmith_oidc" "regpass" {
  namespace        = %s
  name             = "regpass"
  enabled          = true
  provider_url     = %s
  service_accounts = [%s]
  claims = {
%s  }
}
`, hcl(org), hcl(j.Issuer), hcl(service), claims.String()),
		Workflow: []Field{{"CLOUDSMITH_SERVICE_SLUG", service}, {"CLOUDSMITH_ORG", org}},
		Notes: []string{"The service account also needs the privilege Read on the repository: the repository's settings, " +
			"Access Control."},
	}, nil
}
