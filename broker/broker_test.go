package broker

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/internal/testenv"
	"github.com/regpass/regpass/session"
)

// network is a transport that one handler answers.
type network struct{ http.Handler }

func (n network) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	n.ServeHTTP(rec, r)
	return rec.Result(), nil
}

// reported keeps what a Broker tells the user.
type reported struct{ notes, warnings []string }

func (r *reported) Note(text string) { r.notes = append(r.notes, text) }
func (r *reported) Warn(err error)   { r.warnings = append(r.warnings, err.Error()) }

// fixture is the surroundings of a test: variables, a pyx server that answers for every host, and a clock.
type fixture struct {
	env  *regpass.Env
	vars map[string]string
	pyx  *fake.Pyx
	now  time.Time
}

func newFixture(t *testing.T, vars map[string]string) *fixture {
	t.Helper()
	p := &fixture{vars: vars, now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	p.pyx = fake.NewPyx(func() time.Time { return p.now })
	p.env = testenv.New(t, vars)
	p.env.Now = func() time.Time { return p.now }
	p.env.Wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	p.env.HTTP = &http.Client{Transport: network{p.pyx}}
	vars["REGPASS_SESSION_DIR"] = filepath.Join(p.env.Home, "session")
	return p
}

func (p *fixture) session(t *testing.T) *session.Session {
	t.Helper()
	s, err := session.Start(t.Context(), p.env)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ref(t *testing.T, text string, trusted bool) regpass.Ref {
	t.Helper()
	r, err := regpass.ParseRef(text)
	if err != nil {
		t.Fatal(err)
	}
	r.Trusted, r.Origin = trusted, "pyproject.toml"
	return r
}

// What status promises is what token does: Explain and Credential come to the same proof, or to the same refusal.
func TestExplainAgreesWithCredential(t *testing.T) {
	const index = "https://api.pyx.dev/simple/acme/main"
	given := Given{From: "--token-stdin", Secret: regpass.NewSecret("sk-given-0123456789")}
	const awsKey = "AWS_ACCESS_KEY_ID=A AWS_SECRET_ACCESS_KEY=s"
	const anaconda, quetz = "https://conda.anaconda.org/acme", "https://quetz.corp/acme"
	for name, test := range map[string]struct {
		vars     string // NAME=value, with spaces between them; KEY is the server's
		given    Given
		ref      string
		checkout bool   // only the checkout names it
		proof    string // empty: refused
		says     string // part of the refusal
	}{
		"ready token first":        {vars: "PYX_AUTH_TOKEN=ready PYX_API_KEY=KEY", ref: index, proof: "PYX_AUTH_TOKEN"},
		"the registry's key":       {vars: "PYX_API_KEY=KEY REGPASS_API_KEY=general", ref: index, proof: "PYX_API_KEY"},
		"the key of an older name": {vars: "UV_API_KEY=KEY", ref: index, proof: "UV_API_KEY"},
		"a flag before all":        {vars: "ANACONDA_API_KEY=an-1", given: given, ref: anaconda, proof: "--token-stdin"},
		"a flag for the checkout":  {given: given, ref: index, checkout: true, says: "is for a registry that you name"},
		"general key":              {vars: "REGPASS_API_KEY=general", ref: quetz, proof: "REGPASS_API_KEY"},
		"general key, checkout":    {vars: "REGPASS_API_KEY=general", ref: anaconda, checkout: true, says: "no API key"},
		"own key, checkout":        {vars: "ANACONDA_API_KEY=an-1", ref: anaconda, checkout: true, proof: "ANACONDA_API_KEY"},
		"stranger of the checkout": {vars: "PYX_API_KEY=KEY", ref: "https://evil.example/simple", checkout: true,
			says: "no credential is sent to a host that only pyproject.toml names"},
		"nothing":            {ref: index, says: "no API key, no CI identity and no stored login"},
		"nothing, keys only": {ref: quetz, says: "no API key and no stored login"},
		"an unknown option":  {vars: "PYX_API_KEY=KEY", ref: index + " colour=red", says: `unknown option "colour"`},
		"s3":                 {vars: awsKey, ref: "s3://b/a", proof: "AWS_ACCESS_KEY_ID"},
		"half of s3":         {vars: "AWS_ACCESS_KEY_ID=AKIA", ref: "s3://b/acme", says: "no API key"},
		"an empty variable":  {vars: "PYX_API_KEY=", ref: index, says: "no API key"},
		// The identity is asked for only when it is shown, so nobody knows yet that there is none.
		"GitHub without permission": {vars: "GITHUB_ACTIONS=true", ref: index, proof: "GitHub Actions"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newFixture(t, map[string]string{})
			for _, kv := range strings.Fields(test.vars) {
				name, value, _ := strings.Cut(kv, "=")
				p.vars[name] = strings.ReplaceAll(value, "KEY", p.pyx.Key)
			}
			o := Options{Timeout: time.Minute, Least: regpass.Least{Time: time.Minute}, Given: test.given}
			r := ref(t, test.ref, !test.checkout)
			e := New(p.env, nil, o, &reported{}).Explain(r)
			if e.Proof != test.proof || (e.Err == nil) != (test.says == "") {
				t.Fatalf("explained %q, %v; want %q", e.Proof, e.Err, test.proof)
			}
			if n := len(p.pyx.Asked()); n > 0 {
				t.Errorf("explaining asked the registry %d times", n)
			}
			l, err := New(p.env, nil, o, &reported{}).Credential(t.Context(), r)
			if test.says != "" {
				testenv.WantError(t, e.Err, "", test.says)
				testenv.WantError(t, err, "", test.says)
				if err.Error() != e.Err.Error() {
					t.Errorf("explained %v, got %v", e.Err, err)
				}
				return
			}
			if name == "GitHub without permission" {
				testenv.WantError(t, err, "", "id-token")
				return
			}
			if err != nil || l.From != test.proof || l.Cred.Secret.Empty() {
				t.Errorf("explained %q, got %q, %v", test.proof, l.From, err)
			}
		})
	}
}

func TestSessionComesBeforeAnIdentity(t *testing.T) {
	p := newFixture(t, map[string]string{})
	p.vars["PYX_API_KEY"] = p.pyx.Key
	s := p.session(t)
	o := Options{Timeout: time.Minute, Least: regpass.Least{Time: time.Minute}}
	r := ref(t, "https://api.pyx.dev/simple/acme/main", true)
	first, err := New(p.env, s, o, &reported{}).Credential(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	delete(p.vars, "PYX_API_KEY")
	p.vars["GITHUB_ACTIONS"] = "true"
	said := &reported{}
	b := New(p.env, s, o, said)
	if e := b.Explain(r); e.Err != nil || e.Proof != "the session's credential, made with PYX_API_KEY" {
		t.Errorf("explained %+v", e)
	}
	again, err := b.Credential(t.Context(), r)
	if err != nil || again.Cred.Secret.Fingerprint() != first.Cred.Secret.Fingerprint() || len(p.pyx.Asked()) != 1 {
		t.Errorf("%v; asked %v", err, p.pyx.Asked())
	}
	const note = "credential from the session, made with PYX_API_KEY, good for"
	if len(said.notes) != 1 || !strings.Contains(said.notes[0], note) {
		t.Errorf("said %q", said.notes)
	}

	// When it is nearly over, the next proof in the order is asked for: an identity, which is broken here.
	p.now = again.Cred.Expires.Add(-time.Second)
	if _, err := New(p.env, s, o, said).Credential(t.Context(), r); !errors.Is(err, regpass.ErrNoIdentity) {
		t.Errorf("got %v", err)
	}
}

func TestOneKeyForOneRegistry(t *testing.T) {
	p := newFixture(t, map[string]string{"REGPASS_API_KEY": "general-0123456789"})
	for name, o := range map[string]Options{
		"variable": {Timeout: time.Minute},
		"flag":     {Timeout: time.Minute, Given: Given{From: "--token-stdin", Secret: regpass.NewSecret("g-0123456789")}},
	} {
		b := New(p.env, nil, o, &reported{})
		refs := []regpass.Ref{ref(t, "a.example", true), ref(t, "https://a.example/more", true), ref(t, "b.example", true)}
		if _, err := credentials(t.Context(), b, refs[:2]); err != nil {
			t.Errorf("%s: one registry: %v", name, err)
		}
		_, err := credentials(t.Context(), b, refs)
		testenv.WantError(t, err, "0123456789", "is one key, but https://a.example and https://b.example both would get it")
	}
}

// A credential that was minted but could not be kept is revoked: logout would not find it.
func TestWhatCannotBeKeptIsRevoked(t *testing.T) {
	p := newFixture(t, map[string]string{})
	p.vars["PYX_API_KEY"] = p.pyx.Key
	s := p.session(t)
	said := &reported{}
	b := New(p.env, s, Options{Timeout: time.Minute}, said)
	// The session is ended under the exchange, as by a logout.
	p.env.HTTP = &http.Client{Transport: network{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/access-token") {
			if _, warnings := s.Undo(context.Background(), nil); len(warnings) > 0 {
				t.Error(warnings)
			}
		}
		p.pyx.ServeHTTP(w, r)
	})}}
	_, err := b.Credential(t.Context(), ref(t, "https://api.pyx.dev/simple/acme/main", true))
	asked := p.pyx.Asked()
	if err == nil || len(asked) != 2 || !strings.Contains(asked[1], "/auth/cli/logout") {
		t.Errorf("%v; asked %v, warned %v", err, asked, said.warnings)
	}
}

// A server whose tokens have nearly ended when they come is not asked without a pause.
func TestRenewPauses(t *testing.T) {
	p := newFixture(t, map[string]string{})
	b := New(p.env, nil, Options{Timeout: time.Minute, Least: regpass.Least{Time: time.Minute}}, &reported{})
	l := Lease{Renewable: true}
	l.Minted, l.Cred.Expires = p.now, p.now.Add(time.Millisecond)
	p.env.Wait = func(_ context.Context, d time.Duration) error {
		if d < minRenewPause {
			t.Errorf("the pause is %v", d)
		}
		return context.Canceled
	}
	b.Renew(t.Context(), []Lease{l}, nil)
}

func TestRenewReplacesBeforeTheEnd(t *testing.T) {
	p := newFixture(t, map[string]string{})
	p.vars["PYX_API_KEY"] = p.pyx.Key
	b := New(p.env, p.session(t), Options{Timeout: time.Minute, Least: regpass.Least{Time: time.Minute}}, &reported{})
	all, err := credentials(t.Context(), b, []regpass.Ref{ref(t, "https://api.pyx.dev/simple/acme/main", true)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p.env.Wait = func(ctx context.Context, d time.Duration) error {
		p.now = p.now.Add(d)
		return ctx.Err()
	}
	var renewed []Lease
	var when time.Time
	b.Renew(ctx, all, func(_ context.Context, now []Lease) error {
		renewed, when = now, p.now
		cancel()
		return nil
	})
	if len(renewed) != 1 || renewed[0].Cred.Secret.Fingerprint() == all[0].Cred.Secret.Fingerprint() {
		t.Fatalf("renewed %+v", renewed)
	}
	if !when.Before(all[0].Cred.Expires) {
		t.Errorf("renewed at %v, after the end at %v", when, all[0].Cred.Expires)
	}
	if Ends(append(all, renewed...)) != all[0].Cred.Expires {
		t.Errorf("the first end is %v", Ends(append(all, renewed...)))
	}
}

// credentials gets one credential for each registry.
func credentials(ctx context.Context, b *Broker, refs []regpass.Ref) ([]Lease, error) {
	var all []Lease
	for _, ref := range refs {
		l, err := b.Credential(ctx, ref)
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}
