package broker

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/internal/testenv"
	"github.com/regpass/regpass/registry"
	"github.com/regpass/regpass/session"
)

// listener answers every request alike and keeps their bodies: it does with an identity what a hostile registry would.
type listener struct {
	answer func(w http.ResponseWriter, r *http.Request)
	hosts  []string
	bodies strings.Builder
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.hosts = append(l.hosts, r.URL.Host)
	_, _ = io.Copy(&l.bodies, r.Body)
	l.answer(w, r)
}

func no(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }

// fixed is a CI system whose tokens are all for one audience, and one token of it.
func fixed(t *testing.T, p *fixture, audience string, own bool) (identity.Provider, string) {
	t.Helper()
	issuer, err := fake.NewIssuer("ES256")
	if err != nil {
		t.Fatal(err)
	}
	issuer.URL = "https://ci.example"
	token, err := issuer.Sign(map[string]any{"sub": "job", "aud": audience, "exp": p.now.Add(time.Hour).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	return identity.Provider{Name: "fixed", Title: "Fixed CI", Audience: audience, OwnAudience: own, Reusable: true,
		Setup: func(string) string { return "" },
		Token: func(context.Context, *regpass.Env, string) (regpass.Secret, error) { return token, nil },
	}, token.Reveal()
}

// show has the broker show an identity of the provider to the registry.
func show(t *testing.T, b *Broker, r regpass.Ref, provider identity.Provider) error {
	t.Helper()
	target, err := registry.Open(b.env, r)
	if err != nil {
		return err
	}
	found, ok, err := b.identity(target, provider)
	if err != nil || !ok {
		t.Fatalf("no proof: %v", err)
	}
	_, err = target.Exchange(t.Context(), b.env, found.proof)
	return err
}

// A token that is for another service than the registry could be used there by whoever sees it. So a registry sees it
// only where a person named the registry, and the audience is the CI system's own name or the person wrote it.
func TestFixedAudience(t *testing.T) {
	const entra, org = "api://AzureADTokenExchange", "https://acme.semaphoreci.example"
	const index, publish = "https://repo.prefix.dev/acme", "https://api.pyx.dev/v1/upload/acme/main"
	for name, test := range map[string]struct {
		audience string // of all tokens
		own      bool
		ref      string
		checkout bool // only the checkout names the registry
		vouched  bool // and a file of the user's own its origin
		shown    bool
	}{
		"the CI's own name":              {audience: org, own: true, ref: index, shown: true},
		"its own name, publishing":       {audience: org, own: true, ref: publish, shown: true},
		"a service's name":               {audience: entra, ref: index},
		"a service's name, publishing":   {audience: entra, ref: publish},
		"a service's name, written":      {audience: entra, ref: index + " audience=" + entra, shown: true},
		"another one, written":           {audience: org, own: true, ref: index + " audience=prefix.dev"},
		"the registry's":                 {audience: "prefix.dev", ref: index, checkout: true, shown: true},
		"the checkout, own name":         {audience: org, own: true, ref: index, checkout: true},
		"the checkout, publishing":       {audience: org, own: true, ref: publish, checkout: true},
		"the checkout, a service's":      {audience: entra, ref: index, checkout: true},
		"the checkout, publishing there": {audience: entra, ref: publish, checkout: true},
		"the checkout, written":          {audience: entra, ref: index + " audience=" + entra, checkout: true},
		"the checkout, its own, written": {audience: org, own: true, ref: index + " audience=" + org, checkout: true},
		"the checkout, its own host":     {audience: org, own: true, ref: "https://evil.example/s type=pyx", checkout: true},
		"vouched for":                    {audience: org, own: true, ref: "https://x.example type=prefix.dev", vouched: true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newFixture(t, map[string]string{})
			// A hostile server says that it wants just that audience.
			server := &listener{answer: func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					_, _ = io.WriteString(w, `{"audience":"`+test.audience+`"}`)
					return
				}
				no(w, r)
			}}
			if test.own && test.shown { // a server that has an audience of its own
				server.answer = func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodGet {
						_, _ = io.WriteString(w, `{"audience":"pyx"}`)
						return
					}
					no(w, r)
				}
			}
			p.env.HTTP = &http.Client{Transport: network{server}}
			provider, token := fixed(t, p, test.audience, test.own)
			r := ref(t, test.ref, !test.checkout)
			r.Vouched = test.vouched
			err := show(t, New(p.env, nil, Options{Timeout: time.Minute}, &reported{}), r, provider)
			testenv.WantError(t, err, token)
			if got := strings.Contains(server.bodies.String(), token); got != test.shown {
				t.Errorf("shown: %v, %v; asked %q", got, err, server.hosts)
			}
		})
	}
}

// Whoever gets an ID token can use it wherever its audience is taken. The only one of a job goes to one registry, in
// one run and in the next, whether the first one took it or not.
func TestOneTokenOfTheJobForOneRegistry(t *testing.T) {
	const org = "https://acme.semaphoreci.example"
	const first, second = "https://repo.prefix.dev/acme", "https://api.pyx.dev/simple/acme/main"
	for _, kept := range []bool{true, false} {
		p := newFixture(t, map[string]string{})
		server := &listener{answer: no}
		p.env.HTTP = &http.Client{Transport: network{server}}
		provider, token := fixed(t, p, org, true)
		var s *session.Session
		if kept {
			s = p.session(t)
		}
		b := New(p.env, s, Options{Timeout: time.Minute}, &reported{})
		testenv.WantError(t, show(t, b, ref(t, first, true), provider), token, "403")
		if kept { // the next step of the job
			b = New(p.env, s, Options{Timeout: time.Minute}, &reported{})
		}
		err := show(t, b, ref(t, second, true), provider)
		testenv.WantError(t, err, token, "was shown to https://repo.prefix.dev and is not shown to",
			"give each registry an identity token of its own")
		if n := strings.Count(server.bodies.String(), token); n != 1 || len(server.hosts) != 1 {
			t.Errorf("shown %d times, asked %q", n, server.hosts)
		}
		testenv.WantError(t, show(t, b, ref(t, first, true), provider), token, "403") // the same one may see it again
	}
}

// A machine's identity says nothing of who works at it: a login comes before, and so does a person who can log in.
func TestMachineInTheOrder(t *testing.T) {
	const index, gce = "https://api.pyx.dev/simple/acme/main", "Google Google Compute Engine"
	for name, test := range map[string]struct {
		vars, machine, provider string
		login, browser          bool
		proof, says             string
	}{
		"a machine":              {machine: gce, proof: "Google Cloud"},
		"with a login":           {machine: gce, login: true, proof: "the refresh token of a login with x"},
		"with a person":          {machine: gce, browser: true, proof: "browser login"},
		"in a job":               {machine: gce, vars: "GITHUB_ACTIONS=true", proof: "GitHub Actions"},
		"with a key":             {machine: gce, vars: "PYX_API_KEY=k", proof: "PYX_API_KEY"},
		"named":                  {machine: gce, provider: "google", login: true, proof: "Google Cloud"},
		"in a job, named":        {vars: "GITHUB_ACTIONS=true", provider: "google", proof: "Google Cloud"},
		"an agent with a login":  {vars: "SPIFFE_ENDPOINT_SOCKET=unix:///x", login: true, proof: "SPIFFE"},
		"a machine switched off": {machine: gce, vars: "NO_GCE_CHECK=true", says: "no API key"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newFixture(t, map[string]string{})
			for _, kv := range strings.Fields(test.vars) {
				name, value, _ := strings.Cut(kv, "=")
				p.vars[name] = value
			}
			p.env.Machine = func() string { return test.machine }
			p.env.Terminal = test.browser
			s := p.session(t)
			if test.login {
				l := session.Lease{Key: "k", Receiver: "https://api.pyx.dev", Method: regpass.Browser, From: "x", Own: true,
					Revocable: true, Cred: regpass.Credential{Registry: "pyx", Secret: regpass.NewSecret("over"), Expires: p.now,
						Refresh: regpass.NewSecret("again")}}
				if err := s.Keep(l); err != nil {
					t.Fatal(err)
				}
			}
			o := Options{Timeout: time.Minute, Least: regpass.Least{Time: time.Minute}, Provider: test.provider,
				Browser: test.browser}
			e := New(p.env, s, o, &reported{}).Explain(ref(t, index, true))
			if e.Proof != test.proof {
				t.Errorf("%q, %v; want %q", e.Proof, e.Err, test.proof)
			}
			if test.says != "" {
				testenv.WantError(t, e.Err, "", test.says)
			}
			if len(p.pyx.Asked()) > 0 {
				t.Error("somebody was asked")
			}
		})
	}
}
