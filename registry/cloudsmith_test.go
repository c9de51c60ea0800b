package registry_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/registry"
)

const cloudsmithIndex = "https://dl.cloudsmith.io/basic/acme/main/python/simple/"

func TestCloudsmith(t *testing.T) {
	for name, test := range map[string]struct {
		ref, asked string
		vars       map[string]string
		status     int
	}{
		"index":   {ref: cloudsmithIndex + " service=ci-a1b2", status: 201},
		"channel": {ref: "https://conda.cloudsmith.io/acme/main service=ci-a1b2", status: 200},
		"image": {ref: "https://docker.cloudsmith.io/acme/main/app", status: 201,
			vars: map[string]string{"CLOUDSMITH_SERVICE_SLUG": "ci-a1b2", "CLOUDSMITH_ORG": "other"}},
		"host": {ref: "https://npm.cloudsmith.com", status: 201,
			vars: map[string]string{"CLOUDSMITH_SERVICE_SLUG": "ci-a1b2", "CLOUDSMITH_ORG": "acme"}},
		"org": {ref: "https://dl.cloudsmith.io/basic/other/main/python/simple/ org=acme service=ci-a1b2", status: 201},
		"API host": {ref: cloudsmithIndex + " service=ci-a1b2", status: 201, asked: "https://api.eu.cloudsmith.com",
			vars: map[string]string{"CLOUDSMITH_API_HOST": "https://api.eu.cloudsmith.com/v1"}},
	} {
		t.Run(name, func(t *testing.T) {
			server, j := fake.NewCloudsmith(now), &job{t: t}
			server.Status = test.status
			w := newFixture(server)
			for k, v := range test.vars {
				w.vars[k] = v
			}
			if test.asked == "" {
				test.asked = "https://api.cloudsmith.io"
			}
			cred, err := w.exchange(t.Context(), ref(t, test.ref), j.proof())
			if err != nil {
				t.Fatal(said(err), server.Wrong())
			}
			if cred.Registry != "cloudsmith" || cred.Kind != regpass.Basic || cred.Username != "token" ||
				!cred.Expires.Equal(now().Add(2*time.Hour)) || cred.Host != ref(t, test.ref).Host {
				t.Errorf("got %+v", cred)
			}
			if want := []string{"POST " + test.asked + "/openid/acme/"}; !slices.Equal(w.asked, want) ||
				len(server.Wrong()) > 0 {
				t.Errorf("asked %q, wrong %q", w.asked, server.Wrong())
			}
		})
	}
}

func TestCloudsmithKey(t *testing.T) {
	w := newFixture(http.NotFoundHandler())
	w.vars["CLOUDSMITH_API_KEY"] = "0123456789abcdef0123456789abcdef01234567"
	target, err := registry.Open(w.Env, ref(t, cloudsmithIndex))
	if err != nil {
		t.Fatal(said(err))
	}
	p, _ := proofOf(t, w, target)
	cred, err := target.Exchange(t.Context(), w.Env, p)
	if err != nil || p.From != "CLOUDSMITH_API_KEY" || cred.Kind != regpass.Basic || cred.Username != "token" ||
		cred.Secret.Reveal() != w.vars["CLOUDSMITH_API_KEY"] || len(w.asked) > 0 {
		t.Errorf("%+v, %v, asked %q", cred, err, w.asked)
	}
	// an earlier step's token in the same variable
	old := signed(t, jwt.MapClaims{"exp": now().Add(-time.Minute).Unix()})
	_, err = target.Exchange(t.Context(), w.Env, key(regpass.APIKey, "CLOUDSMITH_API_KEY", old))
	mustSay(t, err, "CLOUDSMITH_API_KEY", "expired at")
	mustHide(t, err, old)
}

func TestCloudsmithRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		ref    string
		change func(*fake.Cloudsmith)
		says   []string
	}{
		"service": {cloudsmithIndex + " service=other", func(*fake.Cloudsmith) {},
			[]string{"cloudsmith: exchange the CI identity: POST", "404", "No such service", "no service account of that slug"}},
		"subject": {cloudsmithIndex + " service=ci-a1b2", func(c *fake.Cloudsmith) { c.Subject = "x" },
			[]string{"401", "no OIDC provider for this issuer", `sub="repo:acme/app:ref:refs/heads/main"`, "`regpass trust "}},
		"no organization": {"https://dl.cloudsmith.io service=ci-a1b2", func(*fake.Cloudsmith) {},
			[]string{"does not name an organization", "org=SLUG", "CLOUDSMITH_ORG"}},
		"org": {cloudsmithIndex + " org=../x service=ci-a1b2", func(*fake.Cloudsmith) {}, []string{"is not the slug"}},
	} {
		t.Run(name, func(t *testing.T) {
			server, j := fake.NewCloudsmith(now), &job{t: t}
			test.change(server)
			_, err := newFixture(server).exchange(t.Context(), ref(t, test.ref), j.proof())
			mustSay(t, err, test.says...)
			mustHide(t, err, j.tokens...)
		})
	}
	for host, says := range map[string]string{
		"https://api.cloudsmith.io.evil.example": "is not Cloudsmith's",
		"https://evilcloudsmith.io":              "is not Cloudsmith's",
		"http://api.cloudsmith.io":               "neither https",
		"https://a:b@api.cloudsmith.io":          "user name or password",
	} {
		w := newFixture(http.NotFoundHandler())
		w.vars["CLOUDSMITH_API_HOST"] = host
		_, err := w.exchange(t.Context(), ref(t, cloudsmithIndex+" service=ci-a1b2"), (&job{t: t}).proof())
		mustSay(t, err, "CLOUDSMITH_API_HOST", says)
		if len(w.asked) > 0 {
			t.Errorf("asked %q", w.asked)
		}
	}
}

func cloudsmithWays(t *testing.T, by func(registry.Proof) func(context.Context, *fixture, regpass.Ref) error) []way {
	j := &job{t: t}
	return []way{{name: "cloudsmith", ref: cloudsmithIndex + " service=ci-a1b2", run: by(j.proof()),
		server: func() http.Handler { return fake.NewCloudsmith(now) }, broken: []string{`{"token":%s}`}, endless: true,
		sent: func() []string { return j.tokens }}}
}
