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

const quayImage = "https://quay.io/acme/app robot=acme+ci"

func TestQuay(t *testing.T) {
	for _, text := range []string{quayImage, "https://quay.corp:8443/acme/app type=quay robot=acme+ci"} {
		server, j := fake.NewQuay(now), &job{t: t}
		w := newFixture(server)
		r := ref(t, text)
		cred, err := w.exchange(t.Context(), r, j.proof())
		if err != nil {
			t.Fatal(said(err), server.Wrong())
		}
		if cred.Registry != "quay" || cred.Kind != regpass.Basic || cred.Username != "acme+ci" || cred.Host != r.Host ||
			!cred.Expires.Equal(now().Add(time.Hour)) {
			t.Errorf("got %+v", cred)
		}
		if want := []string{"GET https://" + r.Host + "/oauth2/federation/robot/token"}; !slices.Equal(w.asked, want) ||
			len(server.Wrong()) > 0 {
			t.Errorf("asked %q, wrong %q", w.asked, server.Wrong())
		}
		target, _ := registry.Open(w.Env, r)
		if target.Audience != r.Host {
			t.Errorf("audience %q", target.Audience)
		}
	}
	w := newFixture(http.NotFoundHandler())
	cred, err := w.exchange(t.Context(), ref(t, quayImage), key(regpass.APIKey, "REGPASS_API_KEY", "a-robots-password"))
	if err != nil || cred.Kind != regpass.Basic || cred.Username != "acme+ci" || len(w.asked) > 0 {
		t.Errorf("a key: %+v, %v, asked %q", cred, err, w.asked)
	}
}

func TestQuayRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*fake.Quay)
		says   []string
	}{
		"robot": {func(q *fake.Quay) { q.Robot = "acme+other" },
			[]string{"quay: exchange the CI identity: GET", "Invalid robot", "robot= is ORGANIZATION+NAME"}},
		"no federation": {func(q *fake.Quay) { q.Bare = true }, []string{"set its robot federation"}},
		"issuer":        {func(q *fake.Quay) { q.Issuer = "https://other.example" }, []string{"lists another issuer"}},
		"subject": {func(q *fake.Quay) { q.Subject = "repo:acme/other" },
			[]string{"lists another subject", `sub="repo:acme/app:ref:refs/heads/main"`, "`regpass trust "}},
	} {
		t.Run(name, func(t *testing.T) {
			server, j := fake.NewQuay(now), &job{t: t}
			test.change(server)
			w := newFixture(server)
			_, err := w.exchange(t.Context(), ref(t, quayImage), j.proof())
			mustSay(t, err, test.says...)
			mustHide(t, err, j.tokens...)
			if len(w.asked) != 1 {
				t.Errorf("asked %q", w.asked)
			}
		})
	}
	for _, robot := range []string{"ci", "acme+", "+ci", "a:b+ci", "acme+ci+x"} {
		_, err := registry.Open(newFixture(nil).Env, ref(t, "https://quay.io/acme/app robot="+robot))
		mustSay(t, err, "is not the name of a robot account", "robot=acme+ci")
	}
	target, err := registry.Open(newFixture(nil).Env, ref(t, "https://quay.io/acme/app"))
	if err != nil || !slices.Equal(target.Missing(newFixture(nil).Env), []string{"robot="}) {
		t.Error("what is missing is not said", err)
	}
}

func quayWays(t *testing.T, by func(registry.Proof) func(context.Context, *fixture, regpass.Ref) error) []way {
	j := &job{t: t}
	return []way{{name: "quay", ref: quayImage, run: by(j.proof()), broken: []string{`{"token":%s}`}, endless: true,
		server: func() http.Handler { return fake.NewQuay(now) }, sent: func() []string { return j.tokens }}}
}
