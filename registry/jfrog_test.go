package registry_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/registry"
)

const jfrogIndex = "https://acme.jfrog.io/artifactory/api/pypi/pypi/simple"

func TestJFrog(t *testing.T) {
	for name, test := range map[string]struct {
		ref, jfURL, base, audience, asked string
	}{
		"tenant": {ref: jfrogIndex + " provider=github", audience: "https://acme.jfrog.io",
			asked: "https://acme.jfrog.io/access/api/v1/oidc/token"},
		"image": {ref: "https://acme.jfrog.io/docker/app provider=github", audience: "https://acme.jfrog.io",
			asked: "https://acme.jfrog.io/access/api/v1/oidc/token"},
		"below a path": {ref: "https://corp.example/jfrog/artifactory/api/conda/main provider=github type=jfrog",
			base: "/jfrog", audience: "https://corp.example/jfrog",
			asked: "https://corp.example/jfrog/access/api/v1/oidc/token"},
		"JF_URL below a path": {ref: "https://corp.example/docker/app provider=github", jfURL: "https://corp.example/jfrog/",
			base: "/jfrog", audience: "https://corp.example/jfrog",
			asked: "https://corp.example/jfrog/access/api/v1/oidc/token"},
		"JF_URL with artifactory": {ref: "https://corp.example:8443/artifactory/api/pypi/x/simple provider=github",
			jfURL: "https://corp.example:8443/artifactory", audience: "https://corp.example:8443",
			asked: "https://corp.example:8443/access/api/v1/oidc/token"},
		"options": {ref: jfrogIndex + " provider=github project=ml identity-mapping=ci audience=jfrog-github",
			audience: "jfrog-github", asked: "https://acme.jfrog.io/access/api/v1/oidc/token"},
	} {
		t.Run(name, func(t *testing.T) {
			server, j := fake.NewJFrog(now), &job{t: t}
			server.Base, server.Audience = test.base, test.audience
			w := newFixture(server)
			w.vars["JF_URL"] = test.jfURL
			r := ref(t, test.ref)
			cred, err := w.exchange(t.Context(), r, j.proof())
			if err != nil {
				t.Fatal(said(err), server.Wrong())
			}
			if cred.Registry != "jfrog" || cred.Kind != regpass.Bearer || cred.Username != "ci-reader" ||
				cred.Host != r.Host || !cred.Expires.Equal(now().Add(time.Hour)) {
				t.Errorf("got %+v", cred)
			}
			if want := []string{"POST " + test.asked}; !slices.Equal(w.asked, want) || len(server.Wrong()) > 0 {
				t.Errorf("asked %q, wrong %q", w.asked, server.Wrong())
			}
			target, err := registry.Open(w.Env, r)
			if err != nil {
				t.Fatal(err)
			}
			at, err := url.Parse(target.Revoker.String()) // as the session keeps it
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second one is answered with 204
				if err := target.Row.Revoke(t.Context(), w.Env, at, cred); err != nil {
					t.Error(said(err))
				}
			}
			if want := "DELETE " + strings.Replace(test.asked, "oidc/token", "tokens/me", 1); w.asked[2] != want {
				t.Errorf("asked %q", w.asked)
			}
		})
	}
}

// TestJFrogUser fails if a name that the server makes up goes into files as it is.
func TestJFrogUser(t *testing.T) {
	for _, test := range []struct {
		answered any
		want     string
	}{
		{"alice", "alice"}, {"bob@corp.example", "bob@corp.example"}, {nil, "ci-reader"}, {7, "ci-reader"},
		{"", "ci-reader"}, {"a:b", "ci-reader"}, {"x\n::stop-commands::y", "ci-reader"}, {"a b", "ci-reader"},
		{strings.Repeat("a", 300), "ci-reader"},
	} {
		server := fake.NewJFrog(now)
		server.Username = test.answered
		cred, err := newFixture(server).exchange(t.Context(), ref(t, jfrogIndex+" provider=github"), (&job{t: t}).proof())
		if err != nil || cred.Username != test.want {
			t.Errorf("%v: %q, %v", test.answered, cred.Username, err)
		}
	}
}

func TestJFrogKeys(t *testing.T) {
	token := signed(t, jwt.MapClaims{"sub": "jfac@01x/users/alice", "exp": now().Add(time.Hour).Unix()})
	for name, test := range map[string]struct {
		ref  string
		vars map[string]string
		from string // empty: no proof is found
		kind regpass.Kind
		user string
	}{
		"token": {jfrogIndex, map[string]string{"JF_URL": "https://acme.jfrog.io/", "JF_ACCESS_TOKEN": token,
			"JF_USER": "bob", "JF_PASSWORD": "pw"}, "JF_ACCESS_TOKEN", regpass.Bearer, "alice"},
		"password": {jfrogIndex, map[string]string{"JF_URL": "acme.jfrog.io", "JF_USER": "bob", "JF_PASSWORD": "a pw"},
			"JF_PASSWORD", regpass.Basic, "bob"},
		"another tenant": {jfrogIndex, map[string]string{"JF_URL": "https://evil.jfrog.io", "JF_ACCESS_TOKEN": token,
			"JF_USER": "bob", "JF_PASSWORD": "pw"}, "", "", ""},
		"another port": {jfrogIndex, map[string]string{"JF_URL": "https://acme.jfrog.io:8443", "JF_ACCESS_TOKEN": token},
			"", "", ""},
		"no JF_URL": {jfrogIndex + " provider=github", map[string]string{"JF_ACCESS_TOKEN": token}, "", "", ""},
		"half a login": {jfrogIndex, map[string]string{"JF_URL": "https://acme.jfrog.io", "JF_USER": "bob"},
			"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(http.NotFoundHandler())
			w.vars = test.vars
			w.Getenv = func(name string) string { return test.vars[name] }
			target, err := registry.Open(w.Env, ref(t, test.ref))
			if err != nil {
				t.Fatal(said(err))
			}
			p, found := proofOf(t, w, target)
			if p.From != test.from || found != (test.from != "") {
				t.Fatalf("found %v in %q", found, p.From)
			}
			if !found {
				return
			}
			cred, err := target.Exchange(t.Context(), w.Env, p)
			if err != nil || cred.Kind != test.kind || cred.Username != test.user || len(w.asked) > 0 {
				t.Errorf("%+v, %v, asked %q", cred, err, w.asked)
			}
		})
	}
}

// TestJFrogKeyOfNobody fails if a key that names no server is passed over without a word.
func TestJFrogKeyOfNobody(t *testing.T) {
	w := newFixture(http.NotFoundHandler())
	w.vars["JF_USER"], w.vars["JF_PASSWORD"] = "bob", "pw-0123456789"
	target, err := registry.Open(w.Env, ref(t, jfrogIndex))
	if err != nil {
		t.Fatal(said(err))
	}
	for _, s := range target.Row.Proofs {
		if s.Method == regpass.APIKey {
			_, _, err = s.Find(w.Env, target)
		}
	}
	mustSay(t, err, "JF_PASSWORD is set, but JF_URL does not say for which server", "set JF_URL=https://acme.jfrog.io")
	mustHide(t, err, "pw-0123456789")
}

// proofOf is the first proof in the row's variables.
func proofOf(t *testing.T, w *fixture, target registry.Target) (registry.Proof, bool) {
	t.Helper()
	for _, s := range target.Row.Proofs {
		p, ok, err := s.Find(w.Env, target)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			return p, true
		}
	}
	return registry.Proof{}, false
}

func TestJFrogRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*fake.JFrog)
		says   []string
	}{
		"provider": {func(j *fake.JFrog) { j.Provider = "other" }, []string{"jfrog: exchange the CI identity: POST",
			"404", "no OIDC integration of that name", "set JF_URL"}},
		"audience": {func(j *fake.JFrog) { j.Audience = "other" }, []string{"401", "the audience does not match",
			"issuer or audience may differ"}},
		"claims": {func(j *fake.JFrog) { j.Subject = "repo:acme/other" }, []string{"403", "no identity mapping",
			`sub="repo:acme/app:ref:refs/heads/main"`, "`regpass trust https://acme.jfrog.io/artifactory"}},
	} {
		t.Run(name, func(t *testing.T) {
			server, j := fake.NewJFrog(now), &job{t: t}
			test.change(server)
			_, err := newFixture(server).exchange(t.Context(), ref(t, jfrogIndex+" provider=github"), j.proof())
			mustSay(t, err, test.says...)
			mustHide(t, err, j.tokens...)
		})
	}
	w := newFixture(text(404, `{"errors":[{"code":"NOT_FOUND","message":"no such path"}]}`))
	target, err := registry.Open(w.Env, ref(t, jfrogIndex))
	if err != nil {
		t.Fatal(err)
	}
	cred := regpass.Credential{Secret: regpass.NewSecret("a-token-0123456789")}
	err = target.Row.Revoke(t.Context(), w.Env, target.Revoker, cred)
	mustSay(t, err, "jfrog: revoke the token: DELETE", "before 7.53.1")
	mustHide(t, err, "a-token-0123456789")
	cred.Expires = now()
	if err := target.Row.Revoke(t.Context(), w.Env, target.Revoker, cred); err != nil || len(w.asked) != 1 {
		t.Errorf("a token that has ended: %v, asked %q", err, w.asked)
	}
}

// TestJFrogAudienceStays fails if another server than that of JF_URL gets identities for the audience of that one,
// which it could show there.
func TestJFrogAudienceStays(t *testing.T) {
	for _, test := range []struct{ at, ref, want string }{
		{"https://acme.jfrog.io", "https://acme.jfrog.io/artifactory/api", "jfrog-github"},
		{"https://acme.jfrog.io", "https://ACME.jfrog.io:443/artifactory/api", "jfrog-github"},
		{"", "https://acme.jfrog.io/artifactory/api", "jfrog-github"},
		{"https://acme.jfrog.io", "https://evil.jfrog.io/artifactory/api", "https://evil.jfrog.io"},
		{"https://acme.jfrog.io", "https://acme.jfrog.io:8443/x type=jfrog", "https://acme.jfrog.io:8443"},
		{"https://acme.jfrog.io", "https://acme.jfrog.io./x type=jfrog", "https://acme.jfrog.io."},
		{"https://acme.jfrog.io", "https://evil.example/artifactory type=jfrog audience=a", "a"},
	} {
		w := newFixture(nil)
		w.vars["JF_URL"], w.vars["JF_OIDC_AUDIENCE"] = test.at, "jfrog-github"
		r, err := regpass.ParseRef(test.ref)
		if err != nil {
			continue // no host at all
		}
		r.Trusted = true
		target, err := registry.Open(w.Env, r)
		if err != nil || target.Audience != test.want {
			t.Errorf("%s with JF_URL=%s: audience %q, %v", test.ref, test.at, target.Audience, err)
		}
	}
}

func TestJFrogHosts(t *testing.T) {
	for text, want := range map[string]string{
		"https://acme.jfrog.io/artifactory/api/npm/x": "jfrog",
		"https://ACME.jfrog.io":                       "jfrog",
		"https://acme.jfrog.io:8443/artifactory":      "static",
		"https://jfrog.io/artifactory":                "static",
		"https://a.b.jfrog.io/artifactory":            "static",
		"https://acme.jfrog.io.evil.example":          "static",
		"https://acme-jfrog.io":                       "static",
		"https://corp.example/anything":               "jfrog", // JF_URL
		"https://corp.example:8443/artifactory":       "static",
		"https://other.example/artifactory/api":       "static",
	} {
		w := newFixture(nil)
		w.vars["JF_URL"] = "https://corp.example/jfrog"
		if row, err := registry.Find(w.Env, ref(t, text)); err != nil || row.Name != want {
			t.Errorf("%s: %s, %v", text, row.Name, err)
		}
		r := ref(t, text)
		r.Trusted, r.Origin = false, "pyproject.toml"
		row, _ := registry.Find(w.Env, r)
		if got := row.Trusts(w.Env, r); got != (text == "https://corp.example/anything") {
			t.Errorf("%s in a file of the checkout: trusted %v", text, got)
		}
	}
	w := newFixture(nil)
	w.vars["JF_URL"] = "https://alice:pw@corp.example"
	_, err := registry.Open(w.Env, ref(t, jfrogIndex))
	mustSay(t, err, "JF_URL")
	mustHide(t, err, "alice:pw")
}

// TestJFrogScope fails if two identities' credentials that differ are taken for one.
func TestJFrogScope(t *testing.T) {
	seen := map[string]string{}
	for _, text := range []string{" provider=a", " provider=b", " provider=a project=p", " provider=a identity-mapping=p",
		" provider=a project=p identity-mapping=p"} {
		target, err := registry.Open(newFixture(nil).Env, ref(t, jfrogIndex+text))
		if err != nil {
			t.Fatal(err)
		}
		scope := target.ScopeFor(regpass.OIDC)
		if other, twice := seen[scope]; twice {
			t.Errorf("%s and %s have the scope %q", text, other, scope)
		}
		seen[scope] = text
	}
}

func jfrogWays(t *testing.T, by func(registry.Proof) func(context.Context, *fixture, regpass.Ref) error) []way {
	j := &job{t: t}
	return []way{{name: "jfrog", ref: jfrogIndex + " provider=github", run: by(j.proof()),
		server: func() http.Handler { return fake.NewJFrog(now) }, broken: []string{`{"access_token":%s}`},
		end:  `{"access_token":"at-0123456789abcdef","expires_in":%s}`,
		sent: func() []string { return j.tokens }}}
}
