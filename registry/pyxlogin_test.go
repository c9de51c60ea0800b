package registry_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/registry"
)

func login(ctx context.Context, w *fixture, r regpass.Ref) (regpass.Credential, error) {
	return w.exchange(ctx, r, registry.Proof{Method: regpass.Browser})
}

// browser opens pages of server.
func browser(server http.Handler) func(context.Context, string) error {
	return func(_ context.Context, url string) error {
		server.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, url, nil))
		return nil
	}
}

func TestPyxLogin(t *testing.T) {
	server := fake.NewPyx(now)
	server.Pending = 3
	w := newFixture(server)
	w.Terminal, w.OpenBrowser = true, browser(server)
	cred, err := login(t.Context(), w, ref(t, "pyx.dev"))
	if err != nil {
		t.Fatal(said(err))
	}
	if cred.Registry != "pyx" || cred.Host != "api.pyx.dev" || cred.Kind != regpass.Bearer ||
		cred.Username != "__token__" || !cred.Expires.Equal(now().Add(time.Hour)) {
		t.Errorf("got %+v", cred)
	}
	if !server.Live(cred.Secret.Reveal()) || !slices.Contains(w.masked, cred.Secret.Reveal()) ||
		!slices.Contains(w.masked, cred.Refresh.Reveal()) {
		t.Error("the tokens are not those that were issued, or not masked")
	}
	if !slices.Equal(w.waits, slices.Repeat([]time.Duration{time.Second}, 3)) {
		t.Errorf("waited %v", w.waits)
	}
	if w.stderr.Len() > 0 || len(server.Wrong()) > 0 {
		t.Errorf("said %q, wrong %q", w.stderr.String(), server.Wrong())
	}

	// The refresh token of a login is good for the next credential.
	next, err := w.exchange(t.Context(), ref(t, "pyx.dev"),
		registry.Proof{Method: regpass.Refresh, From: "the last login", Secret: cred.Refresh})
	if err != nil || !server.Live(next.Secret.Reveal()) {
		t.Error(err)
	}
}

func TestPyxLoginShowsPage(t *testing.T) {
	page := regexp.MustCompile(`^regpass: open this page in your browser: (https://api\.pyx\.dev/auth/cli/login/\S+)\n$`)
	for name, open := range map[string]func(context.Context, string) error{
		"no browser":     nil,
		"broken browser": func(context.Context, string) error { return errors.New("no display") },
	} {
		server := fake.NewPyx(now)
		w := newFixture(server)
		w.Terminal, w.OpenBrowser = true, open
		w.Wait = func(ctx context.Context, _ time.Duration) error { // the person does what the line says
			shown := page.FindStringSubmatch(w.stderr.String())
			if shown == nil {
				t.Fatalf("%s: said %q", name, w.stderr.String())
			}
			return browser(server)(ctx, shown[1])
		}
		if _, err := login(t.Context(), w, ref(t, "pyx.dev")); err != nil || len(server.Wrong()) > 0 {
			t.Errorf("%s: %v, wrong %q", name, err, server.Wrong())
		}
	}
}

func TestPyxLoginEnds(t *testing.T) {
	for _, test := range []struct {
		name    string
		prepare func(*fixture, *fake.Pyx)
		says    string
		asked   int
	}{
		{"no terminal", func(w *fixture, _ *fake.Pyx) { w.Terminal = false }, "nobody at a terminal", 0},
		{"nobody", func(*fixture, *fake.Pyx) {}, "nobody logged in within 1m0s", 60},
		{"refused", func(_ *fixture, p *fake.Pyx) { p.Instead(text(403, "no")) }, "403", 1},
		{"not safe", func(w *fixture, _ *fake.Pyx) { w.vars["PYX_API_URL"] = "http://pyx.corp.example" }, "https", 0},
		{"interrupted", func(w *fixture, _ *fake.Pyx) {
			w.Wait = func(context.Context, time.Duration) error { return context.Canceled }
		}, "context canceled", 1},
		{"no network", func(w *fixture, _ *fake.Pyx) {
			asked := &w.asked
			w.HTTP.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
				*asked = append(*asked, r.URL.String())
				return nil, errors.New("GET " + r.URL.String() + ": no route")
			})
		}, "no route", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := fake.NewPyx(now)
			w := newFixture(server)
			var session string
			w.Terminal = true
			w.OpenBrowser = func(_ context.Context, url string) error {
				session = url[strings.LastIndex(url, "/")+1:]
				return nil
			}
			test.prepare(w, server)
			_, err := login(t.Context(), w, ref(t, "pyx.dev"))
			mustSay(t, err, test.says)
			mustHide(t, err, session)
			if len(w.asked) != test.asked {
				t.Errorf("asked %d times, want %d", len(w.asked), test.asked)
			}
		})
	}
}

func TestPyxRevoke(t *testing.T) {
	server := fake.NewPyx(now)
	w := newFixture(server)
	r := ref(t, "pyx.dev")
	target, err := registry.Open(w.Env, r)
	if err != nil {
		t.Fatal(err)
	}
	row, at := target.Row, target.Revoker
	cred, err := target.Exchange(t.Context(), w.Env, key(regpass.APIKey, "PYX_API_KEY", server.Key))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is over already, which is 401
		if err := row.Revoke(t.Context(), w.Env, at, cred); err != nil || server.Live(cred.Secret.Reveal()) {
			t.Errorf("not revoked: %v", err)
		}
	}
	server.Instead(text(503, ""), text(204, ""))
	if err := row.Revoke(t.Context(), w.Env, at, cred); err != nil {
		t.Errorf("not retried: %v", err)
	}
	server.Instead(text(403, "no: "+cred.Secret.Reveal()))
	err = row.Revoke(t.Context(), w.Env, at, cred)
	mustSay(t, err, "pyx: log out", "403")
	mustHide(t, err, cred.Secret.Reveal())

	before := len(w.asked)
	cred.Expires = now()
	if err := row.Revoke(t.Context(), w.Env, at, cred); err != nil || len(w.asked) != before {
		t.Errorf("a token that is over was revoked: %v", err)
	}
	if wrong := server.Wrong(); len(wrong) > 0 {
		t.Error(wrong)
	}
}
