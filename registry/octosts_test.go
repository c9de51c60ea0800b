package registry_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/registry"
)

const octoIndex = "https://ghcr.io/acme type=octo-sts scope=acme/private identity=ci"

func TestOctoSTS(t *testing.T) {
	for name, test := range map[string]struct {
		ref    string
		vars   map[string]string
		api    string
		asked  []string
		domain string
	}{
		"ghcr.io": {ref: octoIndex, domain: "octo-sts.dev", asked: []string{
			"GET https://octo-sts.dev/sts/exchange?identity=ci&scope=acme%2Fprivate",
			"DELETE https://api.github.com/installation/token"}},
		"github.com, a service of one's own, in a job elsewhere": {
			ref:    "https://github.com/acme type=octo-sts scope=acme/private identity=ci domain=STS.corp.example",
			vars:   map[string]string{"GITHUB_API_URL": "https://git.corp.example/api/v3"},
			domain: "sts.corp.example", asked: []string{
				"GET https://sts.corp.example/sts/exchange?identity=ci&scope=acme%2Fprivate",
				"DELETE https://api.github.com/installation/token"}},
		"GitHub Enterprise Server": {
			ref: "https://npm.git.corp.example/ type=octo-sts scope=acme/private identity=ci domain=sts.corp.example",
			vars: map[string]string{"GITHUB_SERVER_URL": "https://git.corp.example",
				"GITHUB_API_URL": "https://git.corp.example/api/v3"},
			domain: "sts.corp.example", api: "/api/v3", asked: []string{
				"GET https://sts.corp.example/sts/exchange?identity=ci&scope=acme%2Fprivate",
				"DELETE https://git.corp.example/api/v3/installation/token"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := fake.NewOctoSTS()
			server.Domain, server.API = test.domain, test.api
			w := newFixture(server)
			for k, v := range test.vars {
				w.vars[k] = v
			}
			target, err := registry.Open(w.Env, ref(t, test.ref))
			if err != nil {
				t.Fatal(said(err))
			}
			cred, err := target.Exchange(t.Context(), w.Env, (&job{t: t}).proof())
			if err != nil {
				t.Fatal(said(err), server.Wrong())
			}
			if cred.Registry != "octo-sts" || cred.Kind != regpass.Bearer || cred.Username != "x-access-token" ||
				!cred.Expires.Equal(now().Add(time.Hour)) || cred.Host != target.Ref.Host {
				t.Errorf("got %+v", cred)
			}
			at, _ := url.Parse(target.Revoker.String())
			for range 2 { // the second finds that it has ended
				if err := target.Row.Revoke(t.Context(), w.Env, at, cred); err != nil || len(server.Tokens) > 0 {
					t.Errorf("revoke: %v, left %v", err, server.Tokens)
				}
			}
			if !slices.Equal(w.asked[:2], test.asked) || len(server.Wrong()) > 0 {
				t.Errorf("asked %q, wrong %q", w.asked, server.Wrong())
			}
		})
	}
}

func TestOctoSTSRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		ref    string
		change func(*fake.OctoSTS)
		says   []string
	}{
		"subject": {octoIndex, func(o *fake.OctoSTS) { o.Subject = "other" },
			[]string{"octo-sts: exchange the CI identity: GET", "403", "the trust policy does not match these claims",
				`sub="repo:acme/app:ref:refs/heads/main"`, "regpass trust"}},
		"policy": {octoIndex, func(o *fake.OctoSTS) { o.Identity = "other" },
			[]string{"404", "has no .github/chainguard/IDENTITY.sts.yaml"}},
		"issuer": {octoIndex + " audience=other", nil, []string{"401", "cannot read the keys of this issuer"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := fake.NewOctoSTS()
			if test.change != nil {
				test.change(server)
			}
			w := newFixture(server)
			j := &job{t: t}
			_, err := w.exchange(t.Context(), ref(t, test.ref), j.proof())
			mustSay(t, err, test.says...)
			mustHide(t, err, j.tokens...)
		})
	}
	for text, says := range map[string]string{
		"https://evil.example/ type=octo-sts":                                   "is no host of GitHub",
		"https://ghcr.io.evil.example/ type=octo-sts":                           "is no host of GitHub",
		"https://ghcr.io:8443/ type=octo-sts":                                   "is no host of GitHub",
		"https://ghcr.io/ type=octo-sts scope=a/b/c":                            "neither ORG/REPO nor ORG",
		"https://ghcr.io/ type=octo-sts identity=../x":                          "no name of a trust policy",
		"https://ghcr.io/ type=octo-sts domain=evil.example/x":                  "is no host",
		"https://git.corp.example/ type=octo-sts":                               "is no host of GitHub",
		"https://github.corp.example/ type=octo-sts scope=acme/private":         "GITHUB_API_URL is not of the server",
		"https://evil.github.corp.example/ type=octo-sts scope=acme/private":    "is no host of GitHub",
		"https://github.corp.example:8443/a type=octo-sts scope=acme/private":   "is no host of GitHub",
		"https://github.com:8443/acme type=octo-sts scope=acme/private domain=": "is no host of GitHub",
	} {
		w := newFixture(nil)
		w.vars["GITHUB_SERVER_URL"], w.vars["GITHUB_API_URL"] = "https://github.corp.example", "https://evil.example/api/v3"
		_, err := registry.Open(w.Env, ref(t, text))
		mustSay(t, err, says)
	}
	target, err := registry.Open(newFixture(nil).Env, ref(t, "https://ghcr.io type=octo-sts"))
	if err != nil || !slices.Equal(target.Missing(newFixture(nil).Env), []string{"scope=", "identity="}) {
		t.Errorf("%v, missing %q", err, target.Missing(newFixture(nil).Env))
	}
}

func octoWays(t *testing.T, by func(registry.Proof) func(context.Context, *fixture, regpass.Ref) error) []way {
	j := &job{t: t}
	return []way{{name: "octo-sts", ref: octoIndex, run: by(j.proof()),
		server: func() http.Handler { return fake.NewOctoSTS() }, sent: func() []string { return j.tokens },
		broken: []string{`{"token":%s}`}, endless: true}}
}
