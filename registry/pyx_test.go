package registry_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/registry"
)

const (
	pyxIndex   = "https://api.pyx.dev/simple/acme/main"
	pyxPublish = "https://api.pyx.dev/v1/upload/acme/main"
)

func TestPyxExchanges(t *testing.T) {
	jwtToken := signed(t, jwt.MapClaims{"exp": now().Add(time.Hour).Unix()})
	for _, test := range []struct {
		name, ref string
		api       string
		proof     func(*fake.Pyx, *job) registry.Proof
		asked     []string
		host      string
		secret    string // empty: whatever was issued
		refresh   bool
		unending  bool
	}{
		{
			name: "a ready token", ref: "pyx.dev", host: "api.pyx.dev", secret: jwtToken,
			proof: func(*fake.Pyx, *job) registry.Proof { return key(regpass.ReadyToken, "PYX_AUTH_TOKEN", jwtToken+"\n") },
		},
		{
			name: "a ready token of any form", ref: pyxIndex, host: "api.pyx.dev", secret: "pyx-test-token", unending: true,
			proof: func(*fake.Pyx, *job) registry.Proof {
				return key(regpass.ReadyToken, "UV_AUTH_TOKEN", "pyx-test-token")
			},
		},
		{
			name: "a key", ref: "pyx.dev", host: "api.pyx.dev",
			proof: func(p *fake.Pyx, _ *job) registry.Proof { return key(regpass.APIKey, "PYX_API_KEY", p.Key) },
			asked: []string{"POST https://api.pyx.dev/auth/cli/access-token"},
		},
		{
			name: "a key for the CDN", ref: "https://files.astralhosted.com/acme/x", host: "files.astralhosted.com",
			proof: func(p *fake.Pyx, _ *job) registry.Proof { return key(regpass.APIKey, "PYX_API_KEY", p.Key) },
			asked: []string{"POST https://api.pyx.dev/auth/cli/access-token"},
		},
		{
			name: "a key for another API", ref: "pyx.dev", api: "http://127.0.0.1:8000/dropped", host: "127.0.0.1:8000",
			proof: func(p *fake.Pyx, _ *job) registry.Proof { return key(regpass.APIKey, "PYX_API_KEY", p.Key) },
			asked: []string{"POST http://127.0.0.1:8000/auth/cli/access-token"},
		},
		{
			name: "a key for another host", ref: "https://pkgs.internal:8443/simple/acme/main type=pyx",
			host:  "pkgs.internal:8443",
			proof: func(p *fake.Pyx, _ *job) registry.Proof { return key(regpass.APIKey, "PYX_API_KEY", p.Key) },
			asked: []string{"POST https://pkgs.internal:8443/auth/cli/access-token"},
		},
		{
			name: "a refresh token", ref: "pyx.dev", host: "api.pyx.dev", refresh: true,
			proof: func(p *fake.Pyx, _ *job) registry.Proof { return key(regpass.Refresh, "the last login", p.Issue()) },
			asked: []string{"POST https://api.pyx.dev/auth/cli/refresh"},
		},
		{
			name: "an identity to publish", ref: pyxPublish, host: "api.pyx.dev",
			proof: func(_ *fake.Pyx, j *job) registry.Proof { return j.proof() },
			asked: []string{"GET https://api.pyx.dev/v1/trusted-publishing/audience",
				"POST https://api.pyx.dev/v1/trusted-publishing/acme/main/mint-token"},
		},
		{
			name: "an identity to publish, slash and audience", ref: pyxPublish + "/ audience=pyx", host: "api.pyx.dev",
			proof: func(_ *fake.Pyx, j *job) registry.Proof { return j.proof() },
			asked: []string{"POST https://api.pyx.dev/v1/trusted-publishing/acme/main/mint-token"},
		},
		{
			name: "an identity to read", ref: pyxIndex, host: "api.pyx.dev",
			proof: func(_ *fake.Pyx, j *job) registry.Proof { return j.proof() },
			asked: []string{"POST https://api.pyx.dev/v1/trusted-access/acme/mint-token"},
		},
		{
			name: "an identity to read a view", ref: "https://views.astralhosted.com/v1/shard/acme/main/",
			host:  "views.astralhosted.com",
			proof: func(_ *fake.Pyx, j *job) registry.Proof { return j.proof() },
			asked: []string{"POST https://api.pyx.dev/v1/trusted-access/acme/mint-token"},
		},
		{
			name: "an identity to read files", ref: "https://files.astralhosted.com/acme/a.whl", host: "files.astralhosted.com",
			proof: func(_ *fake.Pyx, j *job) registry.Proof { return j.proof() },
			asked: []string{"POST https://api.pyx.dev/v1/trusted-access/acme/mint-token"},
		},
		{
			name: "an identity to read a named workspace", ref: "pyx.dev workspace=acme", host: "api.pyx.dev",
			proof: func(_ *fake.Pyx, j *job) registry.Proof { return j.proof() },
			asked: []string{"POST https://api.pyx.dev/v1/trusted-access/acme/mint-token"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := fake.NewPyx(now)
			w, j := newFixture(server), &job{t: t}
			w.vars["PYX_API_URL"] = test.api
			cred, err := w.exchange(t.Context(), ref(t, test.ref), test.proof(server, j))
			if err != nil {
				t.Fatal(said(err))
			}
			if cred.Registry != "pyx" || cred.Kind != regpass.Bearer || cred.Username != "__token__" || cred.Host != test.host {
				t.Errorf("got %+v", cred)
			}
			if test.secret != "" && cred.Secret.Reveal() != test.secret {
				t.Error("the token is not the one that was given")
			}
			if test.secret == "" && (!server.Live(cred.Secret.Reveal()) || !slices.Contains(w.masked, cred.Secret.Reveal())) {
				t.Error("the token is not the one that was issued, or not masked")
			}
			if cred.Refresh.Empty() == test.refresh || test.refresh && !slices.Contains(w.masked, cred.Refresh.Reveal()) {
				t.Error("the refresh token is missing, not masked or from nowhere")
			}
			want := now().Add(time.Hour)
			if test.unending {
				want = time.Time{}
			}
			if !cred.Expires.Equal(want) {
				t.Errorf("expires %s, want %s", cred.Expires, want)
			}
			if !slices.Equal(w.asked, test.asked) || len(server.Wrong()) > 0 {
				t.Errorf("asked %q\nwant %q\nwrong %q", w.asked, test.asked, server.Wrong())
			}
		})
	}
}

func TestPyxWorkspace(t *testing.T) {
	for _, text := range []string{
		"pyx.dev", "https://api.pyx.dev/simple/pypi/", "https://api.pyx.dev/simple/a%2Fb/main",
		"https://api.pyx.dev/v1/upload/acme", "https://api.pyx.dev/v1/upload/acme/main/more",
		"https://api.pyx.dev/v1/upload/a%2fb/main",
		"https://files.astralhosted.com/", "https://other.astralhosted.com/simple/acme/main/",
		"pyx.dev workspace=../admin", "pyx.dev workspace=",
	} {
		server := fake.NewPyx(now)
		w, j := newFixture(server), &job{t: t}
		_, err := w.exchange(t.Context(), ref(t, text), j.proof())
		mustSay(t, err, "workspace")
		if len(w.asked) > 0 || len(j.tokens) > 0 {
			t.Errorf("%s: asked %v", text, w.asked)
		}
	}
}

func TestPyxRefusals(t *testing.T) {
	server := fake.NewPyx(now)
	w, j := newFixture(server), &job{t: t}

	_, err := w.exchange(t.Context(), ref(t, "pyx.dev"), key(regpass.APIKey, "UV_API_KEY", "sk-pyx-wrong"))
	mustSay(t, err, "the API key from UV_API_KEY", "401", `"Unauthorized: Invalid API key"`, "the key was refused",
		"check UV_API_KEY")
	mustHide(t, err, "sk-pyx-wrong")

	for _, text := range []string{"https://api.pyx.dev/simple/other/main", "https://api.pyx.dev/v1/upload/other/main"} {
		_, err = w.exchange(t.Context(), ref(t, text), j.proof())
		mustSay(t, err, "403", "No trusted publisher or accessor",
			`sub="repo:acme/app:ref:refs/heads/main" repository="acme/app"`)
		mustHide(t, err, j.tokens...)
	}

	used := server.Issue()
	for range 2 {
		_, err = w.exchange(t.Context(), ref(t, "pyx.dev"), key(regpass.Refresh, "the last login", used))
	}
	mustSay(t, err, "401", "single-use", "log in again")
	mustHide(t, err, used)

	if wrong := server.Wrong(); len(wrong) > 0 {
		t.Error(wrong)
	}
}

func TestPyxExpires(t *testing.T) {
	later := now().Add(30 * time.Minute)
	for body, want := range map[string]time.Time{
		`{"token":"opaque-0123456789"}`:                                                          {},
		`{"token":"opaque-0123456789","expires":1795178400}`:                                     time.Unix(1795178400, 0),
		`{"token":"opaque-0123456789","expires":3600}`:                                           {},
		`{"token":"opaque-0123456789","expires":1e30}`:                                           {},
		`{"token":"opaque-0123456789","expires":"in an hour"}`:                                   {},
		`{"token":"opaque-0123456789","expires":1795178400000}`:                                  {},
		`{"token":"` + signed(t, jwt.MapClaims{"exp": later.Unix()}) + `","expires":1795178400}`: later,
	} {
		server := fake.NewPyx(now)
		server.Instead(nil, text(http.StatusOK, body))
		cred, err := newFixture(server).exchange(t.Context(), ref(t, pyxPublish), (&job{t: t}).proof())
		if err != nil || !cred.Expires.Equal(want) {
			t.Errorf("%s: %s, %v, want %s", body, cred.Expires, err, want)
		}
	}
}

func TestPyxAudienceRule(t *testing.T) {
	const own = "https://pkgs.internal:8443/v1/upload/acme/main type=pyx"
	for _, test := range []struct {
		audience string
		taken    bool
	}{
		{"pyx", false}, // an identity for all of them could be traded at another
		{"pyx:anything", false},
		{"pkgs.internal", false}, // another port is another server
		{"pkgs.internal:8443", true},
		{"https://pkgs.internal:8443", true},
		{"https://PKGS.internal:8443/path", true},
		{"https://pkgs.internal", false}, // another port is another server
		{"http://pkgs.internal:8443", false},
		{"https://pkgs.internal:8443@evil.example", false},
		{"https://me@pkgs.internal:8443", false},
		{"https://evil.example/pkgs.internal:8443", false},
		{"https://pkgs.internal:8443.evil.example", false},
		{"internal", false},
		{"my.pkgs.internal", false},
		{"sts.amazonaws.com", false},
		{"prefix.dev", false},
		{"pypi", false},
		{"pyxx", false},
		{"", false},
		{"pyx:\nid: 1", false},
		{"pyx: --lifetime 99999", false},
		{"pyx:" + strings.Repeat("x", 300), false},
	} {
		server := fake.NewPyx(now)
		server.Audience = test.audience
		w, j := newFixture(server), &job{t: t}
		_, err := w.exchange(t.Context(), ref(t, own), j.proof())
		if test.taken != (err == nil) || test.taken != (len(j.tokens) == 1) {
			t.Errorf("%q: %v, with %d identities", test.audience, err, len(j.tokens))
		}
		if !test.taken {
			mustSay(t, err, "ask for the audience", "audience=")
			mustHide(t, err)
		}
	}

	// pyx itself, and the server that PYX_API_URL names, may have the shared ones.
	for text, api := range map[string]string{pyxPublish: "",
		"https://pkgs.internal:8443/v1/upload/acme/main": "https://pkgs.internal:8443"} {
		for _, audience := range []string{"pyx", "pyx:anything"} {
			server := fake.NewPyx(now)
			server.Audience = audience
			w := newFixture(server)
			w.vars["PYX_API_URL"] = api
			if _, err := w.exchange(t.Context(), ref(t, text), (&job{t: t}).proof()); err != nil {
				t.Errorf("%s: %q: %v", text, audience, err)
			}
		}
	}

	// What the user names is not asked for.
	server := fake.NewPyx(now)
	server.Audience = "sts.amazonaws.com"
	if _, err := newFixture(server).exchange(t.Context(), ref(t, own+" audience=sts.amazonaws.com"),
		(&job{t: t}).proof()); err != nil {
		t.Error(err)
	}
}

// elsewhere is a CI that makes identities for another audience than it is asked for.
type elsewhere struct{ *job }

func (e elsewhere) Identity(ctx context.Context, _ string) (regpass.Identity, error) {
	return e.job.Identity(ctx, "sts.amazonaws.com")
}

func TestIdentityForAnotherAudienceIsNotSent(t *testing.T) {
	for _, text := range []string{pyxIndex, pyxPublish, "https://repo.prefix.dev/acme"} {
		w, j := newFixture(fake.NewPyx(now)), &job{t: t}
		p := j.proof()
		p.Identities = elsewhere{j}
		_, err := w.exchange(t.Context(), ref(t, text), p)
		mustSay(t, err, `is for the audience "sts.amazonaws.com"`)
		if slices.ContainsFunc(w.asked, func(a string) bool { return strings.HasPrefix(a, "POST") }) {
			t.Errorf("asked %v", w.asked)
		}
	}
}

func TestRetryMakesNewIdentities(t *testing.T) {
	wait := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	}
	for _, test := range []struct {
		name       string
		first      []http.HandlerFunc
		identities int
		fails      bool
		waits      time.Duration
	}{
		{name: "503", first: []http.HandlerFunc{text(503, "")}, identities: 2},
		{name: "503 twice", first: []http.HandlerFunc{text(503, ""), text(502, "")}, identities: 3},
		{name: "400", first: []http.HandlerFunc{text(400, "")}, identities: 1, fails: true},
		{name: "401", first: []http.HandlerFunc{text(401, "")}, identities: 1, fails: true},
		{name: "429", first: []http.HandlerFunc{wait}, identities: 2, waits: 7 * time.Second},
		{name: "503 for ever", first: slices.Repeat([]http.HandlerFunc{text(503, "")}, 20), identities: 5, fails: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			pyxServer, prefixServer := fake.NewPyx(now), fake.NewPrefixDev(now)
			pyxServer.Instead(test.first...)
			prefixServer.Instead(test.first...)
			for text, server := range map[string]http.Handler{pyxIndex: pyxServer,
				"https://repo.prefix.dev/acme": prefixServer} {
				w, j := newFixture(server), &job{t: t}
				_, err := w.exchange(t.Context(), ref(t, text), j.proof())
				if test.fails != (err != nil) {
					t.Error(err)
				}
				if slices.Sort(j.tokens); len(slices.Compact(j.tokens)) != test.identities || len(w.asked) != test.identities {
					t.Errorf("%d identities for %d requests, want %d", len(j.tokens), len(w.asked), test.identities)
				}
				if test.waits != 0 && !slices.Equal(w.waits, []time.Duration{test.waits}) {
					t.Errorf("waited %v", w.waits)
				}
			}
		})
	}
}

// down is a CI whose token service is down. It counts how often it was asked.
type down struct{ calls int }

func (d *down) Identity(context.Context, string) (regpass.Identity, error) {
	d.calls++
	return regpass.Identity{}, &regpass.HTTPError{Op: "github", Status: 503}
}

// An identity that cannot be had is not asked for again: the CI's own client retries.
func TestNoIdentityNoRetry(t *testing.T) {
	w, ci := newFixture(fake.NewPyx(now)), &down{}
	_, err := w.exchange(t.Context(), ref(t, pyxIndex),
		registry.Proof{Method: regpass.OIDC, From: "GitHub Actions", Identities: ci})
	mustSay(t, err, "github", "503")
	if ci.calls != 1 || len(w.asked) > 0 {
		t.Errorf("%d calls, asked %v", ci.calls, w.asked)
	}
	_, err = w.exchange(t.Context(), ref(t, pyxIndex), registry.Proof{Method: regpass.OIDC})
	mustSay(t, err, "no CI identity")
}

// A refresh token works once: only a request that the server certainly did not act on is repeated.
func TestPyxRefreshIsNotRepeated(t *testing.T) {
	for _, test := range []struct {
		name  string
		first http.HandlerFunc // what the server answers first
		err   error            // what the network does first
		lost  bool             // … after the server acted on the request
		asked int
		fails bool
	}{
		{name: "429", first: text(429, ""), asked: 2},
		{name: "425", first: text(425, ""), asked: 2},
		{name: "503", first: text(503, ""), asked: 2},
		{name: "no connection", err: &net.OpError{Op: "dial", Err: io.EOF}, asked: 2},
		{name: "500", first: text(500, ""), asked: 1, fails: true},
		{name: "502", first: text(502, ""), asked: 1, fails: true},
		{name: "504", first: text(504, ""), asked: 1, fails: true},
		{name: "408", first: text(408, ""), asked: 1, fails: true},
		{name: "a lost answer", err: io.ErrUnexpectedEOF, lost: true, asked: 1, fails: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := fake.NewPyx(now)
			if test.first != nil {
				server.Instead(test.first)
			}
			w := newFixture(server)
			calm := w.HTTP.Transport
			w.HTTP.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
				if test.err == nil || len(w.asked) > 0 {
					return calm.RoundTrip(r)
				}
				if test.lost {
					_, _ = calm.RoundTrip(r)
				} else {
					w.asked = append(w.asked, "nobody")
				}
				return nil, test.err
			})
			token := server.Issue()
			cred, err := w.exchange(t.Context(), ref(t, "pyx.dev"), key(regpass.Refresh, "the last login", token))
			if test.fails {
				mustSay(t, err, "log in again")
				mustHide(t, err, token)
			} else if err != nil || cred.Refresh.Empty() || cred.Refresh.Reveal() == token {
				t.Errorf("no new refresh token: %v", err)
			}
			if len(w.asked) != test.asked {
				t.Errorf("asked %q", w.asked)
			}
		})
	}
}
