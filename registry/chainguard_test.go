package registry_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/registry"
)

const (
	chainguardID    = "720909c9f5279097d847ad02a2f24ba8f59de36a/b6461e99e132298f"
	chainguardImage = "https://cgr.dev/acme/python identity=" + chainguardID
)

func TestChainguard(t *testing.T) {
	for text, service := range map[string]string{
		chainguardImage: "cgr.dev",
		"https://libraries.cgr.dev/python/simple/": "libraries.cgr.dev",
	} {
		server, j := fake.NewChainguard(now), &job{t: t}
		server.Service = service
		w := newFixture(server)
		w.vars["CHAINGUARD_IDENTITY"] = chainguardID
		cred, err := w.exchange(t.Context(), ref(t, text), j.proof())
		if err != nil {
			t.Fatal(said(err), server.Wrong())
		}
		if cred.Registry != "chainguard" || cred.Kind != regpass.Basic || cred.Username != "_token" ||
			cred.Host != service || !cred.Expires.Equal(now().Add(time.Hour)) {
			t.Errorf("got %+v", cred)
		}
		if !slices.Equal(w.asked, []string{"POST https://issuer.enforce.dev/sts/exchange"}) || len(server.Wrong()) > 0 {
			t.Errorf("asked %q, wrong %q", w.asked, server.Wrong())
		}
	}
}

func TestChainguardExpiry(t *testing.T) {
	server := fake.NewChainguard(now)
	server.Instead(text(200, `{"token":"an-opaque-token-0123","expiry":"2026-11-20T12:30:00.5Z"}`),
		text(200, `{"token":"an-opaque-token-0123","expiry":"2026-11-20T11:30:00Z"}`))
	w := newFixture(server)
	cred, err := w.exchange(t.Context(), ref(t, chainguardImage), (&job{t: t}).proof())
	if err != nil || !cred.Expires.Equal(now().Add(30*time.Minute+500*time.Millisecond)) {
		t.Errorf("ends at %s, %v", cred.Expires, err)
	}
	_, err = w.exchange(t.Context(), ref(t, chainguardImage), (&job{t: t}).proof())
	mustSay(t, err, "the credential ended at", "the clock here says")
}

func TestChainguardKey(t *testing.T) {
	for text, want := range map[string]bool{
		"https://libraries.cgr.dev/python/simple/":            true,
		"https://libraries.cgr.dev/python-remediated/simple/": true,
		"https://libraries.cgr.dev/javascript/":               false,
		"https://cgr.dev/python":                              false,
	} {
		w := newFixture(http.NotFoundHandler())
		w.vars["CHAINGUARD_PYTHON_IDENTITY_ID"], w.vars["CHAINGUARD_PYTHON_TOKEN"] = chainguardID, "a-pull-token"
		target, err := registry.Open(w.Env, ref(t, text))
		if err != nil {
			t.Fatal(said(err))
		}
		p, found := proofOf(t, w, target)
		if found != want {
			t.Errorf("%s: found %v", text, found)
		}
		if (target.KeyVars() != nil) != (target.Ref.Host == "libraries.cgr.dev") {
			t.Errorf("%s: a person is told to set %q", text, target.KeyVars())
		}
		if !found {
			continue
		}
		cred, err := target.Exchange(t.Context(), w.Env, p)
		if err != nil || cred.Kind != regpass.Basic || cred.Username != chainguardID || len(w.asked) > 0 {
			t.Errorf("%+v, %v, asked %q", cred, err, w.asked)
		}
	}
}

func TestChainguardRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*fake.Chainguard)
		says   []string
	}{
		"audience": {func(c *fake.Chainguard) { c.Audience = "other" },
			[]string{"chainguard: exchange the CI identity: POST", "401", "another issuer, subject or audience"}},
		"subject": {func(c *fake.Chainguard) { c.Subject = "repo:acme/other" },
			[]string{"403", "cannot be assumed", `sub="repo:acme/app:ref:refs/heads/main"`, "`regpass trust "}},
	} {
		t.Run(name, func(t *testing.T) {
			server, j := fake.NewChainguard(now), &job{t: t}
			test.change(server)
			_, err := newFixture(server).exchange(t.Context(), ref(t, chainguardImage), j.proof())
			mustSay(t, err, test.says...)
			mustHide(t, err, j.tokens...)
		})
	}
	_, err := registry.Open(newFixture(nil).Env, ref(t, "https://cgr.dev/acme/app identity=ci"))
	mustSay(t, err, "no id of an identity", "chainctl iam identities list")
}

// TestHostsOfVendors fails if a host that looks like a vendor's is taken for it, or a vendor's own is not.
func TestHostsOfVendors(t *testing.T) {
	for text, want := range map[string]string{
		"https://cgr.dev/x": "chainguard", "https://apk.cgr.dev": "chainguard", "https://cgr.dev:8443": "static",
		"https://evilcgr.dev": "static", "https://cgr.dev.evil.example": "static", "http://cgr.dev.localhost:80": "static",
		"https://cloudsmith.io": "cloudsmith", "https://a.b.cloudsmith.com/x/y": "cloudsmith",
		"https://mycloudsmith.io": "static", "https://dl.cloudsmith.io:444/basic/a/b": "static",
		"https://quay.io/a/b": "quay", "https://x.quay.io/a/b": "static", "https://quay.io.evil.example": "static",
		"https://quay.io:8443/a": "static",
		"https://docker.io/a/b":  "dockerhub", "https://index.docker.io/v1/": "dockerhub", "https://dhi.io/a": "dockerhub",
		"https://auth.docker.io": "static", "https://docker.io:5000": "static", "https://mydocker.io": "static",
		"https://packages.buildkite.com/a/b": "buildkite", "https://buildkite.com/a/b": "static",
		"https://packages.buildkite.com:8443/a/b":         "static",
		"https://packages.buildkite.com.evil.example/a/b": "static",
	} {
		if row, err := registry.Find(newFixture(nil).Env, ref(t, text)); err != nil || row.Name != want {
			t.Errorf("%s: %s, %v", text, row.Name, err)
		}
	}
}

func chainguardWays(t *testing.T, by func(registry.Proof) func(context.Context, *fixture, regpass.Ref) error) []way {
	j := &job{t: t}
	return []way{{name: "chainguard", ref: chainguardImage, run: by(j.proof()), broken: []string{`{"token":%s}`},
		end:    `{"token":"at-0123456789abcdef","expiry":%s}`,
		server: func() http.Handler { return fake.NewChainguard(now) }, sent: func() []string { return j.tokens }}}
}
