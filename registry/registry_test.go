package registry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/registry"
)

// fixture is an Env whose network is one handler that answers for every host.
type fixture struct {
	*regpass.Env
	vars   map[string]string
	stderr bytes.Buffer
	asked  []string // method and URL of each request
	waits  []time.Duration
	masked []string
}

func now() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

func newFixture(network http.Handler) *fixture {
	w := &fixture{vars: map[string]string{}}
	w.Env = &regpass.Env{
		Getenv: func(name string) string { return w.vars[name] },
		Now:    now,
		Stderr: &w.stderr,
		Wait: func(ctx context.Context, d time.Duration) error {
			w.waits = append(w.waits, d)
			return ctx.Err()
		},
		Mask: func(secrets ...regpass.Secret) {
			for _, s := range secrets {
				w.masked = append(w.masked, s.Reveal())
			}
		},
		HTTP: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			w.asked = append(w.asked, r.Method+" "+r.URL.String())
			if r.Body == nil {
				r.Body = http.NoBody
			}
			rec := httptest.NewRecorder()
			network.ServeHTTP(rec, r)
			if err := r.Context().Err(); err != nil {
				return nil, err
			}
			return rec.Result(), nil
		})},
	}
	return w
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func ref(t *testing.T, text string) regpass.Ref {
	t.Helper()
	r, err := regpass.ParseRef(text)
	if err != nil {
		t.Fatal(err)
	}
	r.Trusted, r.Origin = true, "the command line"
	return r
}

// exchange opens the ref and exchanges the proof.
func (w *fixture) exchange(ctx context.Context, r regpass.Ref, p registry.Proof) (regpass.Credential, error) {
	target, err := registry.Open(w.Env, r)
	if err != nil {
		return regpass.Credential{}, err
	}
	return target.Exchange(ctx, w.Env, p)
}

// signed is a JSON Web Token that nobody verifies.
func signed(t *testing.T, claims jwt.MapClaims) string {
	t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte("toy"))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// job is a CI that makes identities.
type job struct {
	t      *testing.T
	tokens []string // those made so far
}

func (j *job) proof() registry.Proof {
	return registry.Proof{Method: regpass.OIDC, From: "GitHub Actions", Identities: j}
}

// Identity is registry.Identities.
func (j *job) Identity(_ context.Context, audience string) (regpass.Identity, error) {
	token := signed(j.t, jwt.MapClaims{"aud": audience, "sub": "repo:acme/app:ref:refs/heads/main",
		"jti":        fmt.Sprint(len(j.tokens)),
		"repository": "acme/app", "exp": now().Add(5 * time.Minute).Unix()})
	j.tokens = append(j.tokens, token)
	claims, err := regpass.DecodeJWT(regpass.NewSecret(token))
	return regpass.Identity{Provider: "github", Token: regpass.NewSecret(token), Claims: claims,
		PolicyClaims: []string{"sub", "repository"}}, err
}

func key(method regpass.Method, from, secret string) registry.Proof {
	return registry.Proof{Method: method, From: from, Secret: regpass.NewSecret(secret)}
}

// said is all that a person would read of err.
func said(err error) string { return err.Error() + "\n" + strings.Join(regpass.Hints(err), "\n") }

func mustSay(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("there is no error")
	}
	for _, word := range words {
		if !strings.Contains(said(err), word) {
			t.Errorf("%s\ndoes not say %q", said(err), word)
		}
	}
}

// mustHide checks that err is one line without a runner command and without any form of the secrets.
func mustHide(t *testing.T, err error, secrets ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("there is no error")
	}
	if strings.Contains(err.Error(), "\n") || strings.Contains(said(err), "##[") {
		t.Errorf("the error can be read as a command: %s", said(err))
	}
	for _, s := range secrets {
		for _, form := range regpass.Derived(regpass.NewSecret(s)) {
			if strings.Contains(said(err), form) {
				t.Errorf("the error shows a secret: %s", said(err))
			}
		}
	}
}

func TestFind(t *testing.T) {
	for _, test := range []struct {
		ref, api, cdn string
		row           string
	}{
		{ref: "pyx.dev", row: "pyx"},
		{ref: "https://pyx.dev/anything", row: "pyx"},
		{ref: "api.pyx.dev", row: "pyx"},
		{ref: "https://API.pyx.dev:443/simple/acme/main", row: "pyx"},
		{ref: "https://api.pyx.dev/v1/", row: "pyx"},
		{ref: "https://api.pyx.dev:8443/simple/acme/main", row: "static"},
		{ref: "https://foo.api.pyx.dev", row: "static"},
		{ref: "https://beta.pyx.dev", row: "static"},
		{ref: "https://pyx.com", row: "static"},
		{ref: "https://notpyx.dev", row: "static"},
		{ref: "https://api.pyx.dev.evil.example", row: "static"},
		{ref: "https://astralhosted.com/packages/", row: "pyx"},
		{ref: "https://files.astralhosted.com/packages/", row: "pyx"},
		{ref: "https://a.b.astralhosted.com", row: "pyx"},
		{ref: "https://badastralhosted.com/packages/", row: "static"},
		{ref: "https://astralhosted.com.evil.example", row: "static"},
		{ref: "https://public.example/simple/", row: "static"},
		{ref: "http://127.0.0.1:8000/simple/acme/main", row: "static"},
		{ref: "http://127.0.0.1:8000/simple/acme/main", api: "http://127.0.0.1:8000/dropped", row: "pyx"},
		{ref: "http://localhost:8000", api: "http://127.0.0.1:8000", row: "static"},
		{ref: "http://127.0.0.1:8001", api: "http://127.0.0.1:8000", row: "static"},
		{ref: "https://127.0.0.1:8000", api: "http://127.0.0.1:8000", row: "static"},
		{ref: "https://pyx.corp.example/simple/a/b", api: "https://PYX.corp.example", row: "pyx"},
		{ref: "https://corp.example", api: "https://pyx.corp.example", row: "static"},
		{ref: "https://api.pyx.dev", api: "https://pyx.corp.example", row: "pyx"},
		{ref: "https://pyx.corp.example", api: "not a URL", row: "static"},
		{ref: "https://files.cdn.example", cdn: "CDN.example", row: "pyx"},
		{ref: "https://files.astralhosted.com", cdn: "cdn.example", row: "static"},
		{ref: "https://files.astralhosted.com", api: "https://pyx.corp.example", row: "static"}, // not that server's
		{ref: "https://files.astralhosted.com", api: "not a URL", row: "static"},
		{ref: "https://files.astralhosted.com", api: "https://api.pyx.dev", row: "pyx"},
		{ref: "https://files.cdn.example", api: "https://pyx.corp.example", cdn: "cdn.example", row: "pyx"},
		{ref: "https://files.astralhosted.com:8443", row: "static"},
		{ref: "https://files.cdn.example:8443", cdn: "cdn.example", row: "static"},
		{ref: "https://repo.prefix.dev:8443/acme", row: "static"},
		{ref: "https://conda.anaconda.org:8443/acme", row: "static"},
		{ref: "https://gitlab.com:8443/api/v4/projects/1/packages/pypi", row: "static"},
		{ref: "http://files.localhost:80", cdn: "localhost", row: "static"}, // the CDN is on https only
		{ref: "s3://pyx.dev", row: "s3"},
		{ref: "prefix.dev", row: "prefix.dev"},
		{ref: "https://repo.prefix.dev/acme", row: "prefix.dev"},
		{ref: "https://a.b.prefix.dev/acme", row: "prefix.dev"},
		{ref: "https://evil-prefix.dev", row: "static"},
		{ref: "https://prefix.dev.evil.example", row: "static"},
		{ref: "https://prefix.dev:8443", row: "static"},
		{ref: "https://conda.anaconda.org/acme", row: "anaconda.org"},
		{ref: "https://notanaconda.org/acme", row: "static"},
		{ref: "https://pkgs.internal/simple type=pyx", row: "pyx"},
		{ref: "https://pkgs.internal/acme type=prefix.dev", row: "prefix.dev"},
		{ref: "https://api.pyx.dev type=static", row: "static"},
	} {
		t.Run(test.ref+" "+test.api+test.cdn, func(t *testing.T) {
			w := newFixture(http.NotFoundHandler())
			w.vars["PYX_API_URL"], w.vars["PYX_CDN_DOMAIN"] = test.api, test.cdn
			row, err := registry.Find(w.Env, ref(t, test.ref))
			if err != nil || row.Name != test.row {
				t.Errorf("got %q, %v, want %q", row.Name, err, test.row)
			}
		})
	}
}

func TestFindRefuses(t *testing.T) {
	names := regpass.Names(registry.All, func(r registry.Row) string { return r.Name })
	for _, test := range []struct{ ref, says string }{
		{"pyx.dev type=nothing", strings.Join(names, ", ")},
		{"pyx.dev type=", `no type is named`},
		{"pyx.dev workspce=acme", "audience, cargo, name, ports, type, workspace"},
		{"https://repo.prefix.dev/acme workspace=acme",
			`prefix.dev: unknown option "workspace" (known: audience, cargo, name, ports, type)`},
	} {
		_, err := registry.Find(newFixture(nil).Env, ref(t, test.ref))
		mustSay(t, err, test.says)
		if !errors.Is(err, regpass.ErrUsage) {
			t.Errorf("%s: %v is not ErrUsage", test.ref, err)
		}
	}
}

func TestCheckoutSendsNoProofElsewhere(t *testing.T) {
	for _, test := range []struct {
		ref, api string
		goes     string // host that may be asked; empty: refused without a request
	}{
		{ref: "https://api.pyx.dev/simple/acme/main", goes: "https://api.pyx.dev/"},
		{ref: "https://files.astralhosted.com/acme/x", goes: "https://api.pyx.dev/"},
		{ref: "https://pyx.corp.example/simple/acme/main", api: "https://pyx.corp.example",
			goes: "https://pyx.corp.example/"},
		{ref: "https://repo.prefix.dev/acme", goes: "https://repo.prefix.dev/"},
		{ref: "https://pyx.corp.example/simple/acme/main"},
		{ref: "https://evil.example/simple/acme/main type=pyx"},
		{ref: "https://evil.example/acme type=prefix.dev"},
		{ref: "https://repo.prefix.dev/acme audience=sts.amazonaws.com"},
		{ref: "https://api.pyx.dev type=static"},
		{ref: "https://evil.example/simple"},
		{ref: "https://conda.anaconda.org.evil.example/acme"},
		{ref: "s3://bucket"},
	} {
		t.Run(test.ref, func(t *testing.T) {
			w := newFixture(http.NotFoundHandler())
			w.vars["PYX_API_URL"] = test.api
			r := ref(t, test.ref)
			r.Trusted, r.Origin = false, "pyproject.toml"
			for _, p := range []registry.Proof{(&job{t: t}).proof(), key(regpass.APIKey, "REGPASS_API_KEY", "sk-secret")} {
				cred, err := w.exchange(t.Context(), r, p)
				if test.goes == "" {
					mustSay(t, err, "name it on the command line or in REGPASS_REGISTRIES", "pyproject.toml")
					if !cred.Secret.Empty() {
						t.Error("there is a credential")
					}
				}
			}
			if test.goes == "" && len(w.asked) > 0 {
				t.Errorf("asked %v", w.asked)
			}
			if test.goes != "" && len(w.asked) == 0 {
				t.Error("asked nobody")
			}
			for _, a := range w.asked {
				if _, url, _ := strings.Cut(a, " "); !strings.HasPrefix(url, test.goes) {
					t.Errorf("asked %s", a)
				}
			}
		})
	}
}

func TestOpenRefusesCheckoutHosts(t *testing.T) {
	for _, row := range registry.All {
		r := ref(t, "https://evil.example/simple/acme/main type="+row.Name)
		r.Trusted, r.Origin = false, "pyproject.toml"
		_, err := registry.Open(newFixture(http.NotFoundHandler()).Env, r)
		mustSay(t, err, "name it on the command line or in REGPASS_REGISTRIES", "pyproject.toml")
		delete(r.Options, "type")
		if row.Trusts(newFixture(nil).Env, r) {
			t.Errorf("%s trusts %s, which only the checkout names", row.Name, r)
		}
	}
}

func TestRowsAreComplete(t *testing.T) {
	var names []string
	for _, row := range registry.All {
		if row.Title == "" || row.Doc == "" || len(row.Hosts) == 0 || row.Match == nil || row.Open == nil {
			t.Errorf("%s is not complete", row.Name)
		}
		for _, source := range row.Proofs {
			if source.Method == "" || len(source.Vars) == 0 {
				t.Errorf("%s: a source of proofs is not complete: %+v", row.Name, source)
			}
		}
		for _, o := range append(registry.CommonOptions, row.Options...) {
			if o.Name == "" || o.Doc == "" {
				t.Errorf("%s: an option is not complete: %+v", row.Name, o)
			}
		}
		names = append(names, row.Name)
	}
	if slices.Sort(names); len(slices.Compact(names)) != len(registry.All) {
		t.Errorf("a name is used twice: %v", names)
	}
}

func TestAudience(t *testing.T) {
	for text, want := range map[string]string{
		"https://pkgs.example/simple/acme/main type=pyx":         "pkgs.example",
		"https://pkgs.example:443/simple/acme/main type=pyx":     "pkgs.example",
		"https://PKGS.example:8443/simple/acme/main type=pyx":    "pkgs.example:8443",
		"http://127.0.0.1:8000/simple/acme/main type=pyx":        "127.0.0.1:8000",
		"https://pkgs.example/s workspace=a type=pyx audience=b": "b",
		"https://corp.example/simple/acme/main":                  "pyx:trusted-access", // PYX_API_URL
		"https://api.pyx.dev/v1/upload/acme/main":                "",
		"https://api.pyx.dev/v1/upload/acme/main audience=own":   "own",
		"https://api.pyx.dev/simple/acme/main":                   "pyx:trusted-access",
		"https://beta.prefix.dev/acme":                           "prefix.dev",
		"http://127.0.0.1:8000/acme type=prefix.dev":             "127.0.0.1",
		"https://conda.corp/acme type=prefix.dev audience=own":   "own",
		"https://quetz.corp/acme":                                "",
		"https://conda.anaconda.org/acme":                        "",
	} {
		w := newFixture(nil)
		w.vars["PYX_API_URL"] = "https://corp.example/"
		target, err := registry.Open(w.Env, ref(t, text))
		if err != nil || target.Audience != want {
			t.Errorf("%s: %q, %v, want %q", text, target.Audience, err, want)
		}
	}
}

// A token must be asked for at the host that it is then sent to, whatever PYX_API_URL says of another one.
func TestPyxEndpoint(t *testing.T) {
	for _, test := range []struct{ api, ref, want string }{
		{"", "pyx.dev", "https://api.pyx.dev"},
		{"", "https://pkgs.example/simple/a/b type=pyx", "https://pkgs.example"},
		{"https://pyx.corp.example/ignored", "pyx.dev", "https://pyx.corp.example"},
		{"https://pyx.corp.example", "https://pyx.corp.example/simple/a/b", "https://pyx.corp.example"},
		{"https://pyx.corp.example", "https://pkgs.example/simple/a/b type=pyx", "https://pkgs.example"},
	} {
		w := newFixture(http.NotFoundHandler())
		w.vars["PYX_API_URL"] = test.api
		r := ref(t, test.ref)
		target, err := registry.Open(w.Env, r)
		if err != nil || target.Receiver.String() != test.want {
			t.Errorf("PYX_API_URL=%s %s: %v, %v; want %s", test.api, test.ref, target.Receiver, err, test.want)
		}
	}
}
