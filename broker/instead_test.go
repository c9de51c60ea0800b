package broker

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/testenv"
	"github.com/regpass/regpass/registry"
)

// always is the answer to one request with all its tries.
func always(status int) []http.HandlerFunc {
	return slices.Repeat([]http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }}, 5)
}

// A credential that is still good is used on while its registry is down: not after a refusal, not once it has nearly
// ended, not where the user calls it off, and not for another proof.
func TestUsedOn(t *testing.T) {
	const index = "https://api.pyx.dev/simple/acme/main"
	for name, test := range map[string]struct {
		left    time.Duration // of the credential
		answers []http.HandlerFunc
		change  func(*fixture, *Options)
		cancel  bool
		used    bool
		says    string
	}{
		"down":            {left: 5 * time.Minute, answers: always(503), used: true},
		"busy":            {left: 5 * time.Minute, answers: always(429), used: true},
		"31 seconds left": {left: 31 * time.Second, answers: always(502), used: true},
		"29 seconds left": {left: 29 * time.Second, answers: always(502), says: "502"},
		"over":            {left: -time.Second, answers: always(502), says: "502"},
		"refused":         {left: 5 * time.Minute, answers: always(401)[:1], says: "401"},
		"forbidden":       {left: 5 * time.Minute, answers: always(403)[:1], says: "403"},
		"gone":            {left: 5 * time.Minute, answers: always(404)[:1], says: "404"},
		"broken answer": {left: 5 * time.Minute, used: true, answers: []http.HandlerFunc{
			func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>maintenance")) }}},
		"called off": {left: 5 * time.Minute, answers: always(503), cancel: true, says: "canceled"},
		"another key": {left: 5 * time.Minute, answers: always(503), says: "503",
			change: func(p *fixture, _ *Options) { p.vars["PYX_API_KEY"] = "sk-of-another-account-0123" }},
		"a flag": {left: 5 * time.Minute, answers: always(503), says: "503", change: func(_ *fixture, o *Options) {
			o.Given = Given{From: "--token-stdin", Secret: regpass.NewSecret("sk-of-another-account-0123")}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newFixture(t, map[string]string{})
			p.vars["PYX_API_KEY"] = p.pyx.Key
			s := p.session(t)
			o := Options{Timeout: time.Minute, Least: regpass.Least{Time: time.Minute}}
			r := ref(t, index, true)
			first, err := New(p.env, s, o, &reported{}).Credential(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			p.now = first.Cred.Expires.Add(-test.left)
			p.pyx.Instead(test.answers...)
			if test.change != nil {
				test.change(p, &o)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if test.cancel {
				p.env.Wait = func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }
				p.env.HTTP = &http.Client{Transport: cutOff{cancel}}
			}
			said := &reported{}
			b := New(p.env, s, o, said)
			got, err := b.Credential(ctx, r)
			if !test.used {
				testenv.WantError(t, err, p.pyx.Key, test.says)
				if !got.Cred.Secret.Empty() || len(said.warnings) > 0 {
					t.Errorf("there is a credential besides the error, or a warning: %q", said.warnings)
				}
				return
			}
			if err != nil || got.Cred.Secret.Fingerprint() != first.Cred.Secret.Fingerprint() ||
				!got.Cred.Expires.Equal(first.Cred.Expires) || !got.Renewable {
				t.Fatalf("got %+v, %v", got, err)
			}
			if len(said.warnings) != 1 || !strings.Contains(said.warnings[0], "could not be replaced and is used on, until ") {
				t.Errorf("warned %q", said.warnings)
			}
			// When the registry is back, the next one who asks gets a new one.
			p.pyx.Instead(slices.Repeat([]http.HandlerFunc{nil}, 5)...)
			again, err := b.Credential(t.Context(), r)
			if err != nil || again.Cred.Secret.Fingerprint() == first.Cred.Secret.Fingerprint() {
				t.Errorf("not replaced: %v", err)
			}
		})
	}
}

// cutOff ends the context during a request.
type cutOff struct{ cancel context.CancelFunc }

func (c cutOff) RoundTrip(*http.Request) (*http.Response, error) {
	c.cancel()
	return nil, context.Canceled
}

// A credential that leaked was ended. That it was good for longer does not bring it back.
func TestLeakedIsNotUsedOn(t *testing.T) {
	p := newFixture(t, map[string]string{})
	p.vars["PYX_API_KEY"] = p.pyx.Key
	b := New(p.env, p.session(t), Options{Timeout: time.Minute, Least: regpass.Least{Time: time.Minute}}, &reported{})
	live, err := b.Live()
	if err != nil {
		t.Fatal(err)
	}
	r := ref(t, "https://api.pyx.dev/simple/acme/main", true)
	cred, err := live.Credential(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	live.Revoke(t.Context(), []string{cred.Secret.Fingerprint()})
	p.pyx.Instead(always(503)...)
	if _, err := live.Credential(t.Context(), r); err == nil {
		t.Error("the one that leaked is used on")
	}
}

// A registry that only the checkout names gets on use what it would have got: nothing of a key that names no registry.
func TestUsedOnForTheCheckout(t *testing.T) {
	p := newFixture(t, map[string]string{})
	s := p.session(t)
	o := Options{Timeout: time.Minute, Least: regpass.Least{Time: time.Minute}}
	given := o
	given.Given = Given{From: "--token-stdin", Secret: regpass.NewSecret(p.pyx.Key)}
	const index = "https://api.pyx.dev/simple/acme/main"
	first, err := New(p.env, s, given, &reported{}).Credential(t.Context(), ref(t, index, true))
	if err != nil {
		t.Fatal(err)
	}
	p.now = first.Cred.Expires.Add(-5 * time.Minute)
	p.vars["PYX_API_KEY"] = p.pyx.Key
	p.pyx.Instead(always(503)...)
	if l, err := New(p.env, s, o, &reported{}).Credential(t.Context(), ref(t, index, false)); err == nil {
		t.Errorf("got one by %s", l.From)
	}
}

// While a registry is down, a running command keeps its credential, and the registry is asked ever closer to the end,
// not all the time.
func TestRenewWhileDown(t *testing.T) {
	p := newFixture(t, map[string]string{})
	p.vars["PYX_API_KEY"] = p.pyx.Key
	said := &reported{}
	b := New(p.env, p.session(t), Options{Timeout: time.Minute, Least: regpass.Least{Time: time.Minute}}, said)
	all, err := credentials(t.Context(), b, []regpass.Ref{ref(t, "https://api.pyx.dev/simple/acme/main", true)})
	if err != nil {
		t.Fatal(err)
	}
	p.pyx.Instead(slices.Repeat(always(503), 1000)...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	end := all[0].Cred.Expires
	var pauses []time.Duration
	waits := 0
	p.env.Wait = func(ctx context.Context, d time.Duration) error {
		if waits++; d > 10*time.Second { // those between the tries of one request are shorter
			pauses = append(pauses, d)
		}
		if p.now = p.now.Add(d); end.Sub(p.now) < 2*time.Minute || waits > 500 {
			cancel()
		}
		return ctx.Err()
	}
	b.Renew(ctx, all, func(context.Context, []Lease) error {
		t.Error("told of a credential that is the same")
		return errors.New("told")
	})
	if len(pauses) < 3 || len(pauses) > 40 || waits > 500 || len(said.warnings) != 1 {
		t.Errorf("%d pauses: %v; warned %q", len(pauses), pauses, said.warnings)
	}
}

// Where the machine's cloud gives credentials, it comes after a key and the job's identity and before the last login;
// another machine has none, and who asks for an identity by name does not get that of the machine.
func TestCloudInTheOrder(t *testing.T) {
	const index = "https://acme-123456789012.d.codeartifact.eu-west-1.amazonaws.com/pypi/main/simple/"
	const container, none = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x", "no API key"
	const keys = "AWS_ACCESS_KEY_ID=A AWS_SECRET_ACCESS_KEY=s"
	const role = "AWS_ROLE_ARN=arn:aws:iam::123456789012:role/ci"
	for name, test := range map[string]struct {
		vars     string
		machine  string
		provider string
		login    bool // there is the refresh token of an earlier login
		proof    string
		says     []string
	}{
		"a container":           {vars: container, proof: "the container's role"},
		"an instance":           {machine: "Amazon EC2 m5.large", proof: "the instance's role"},
		"switched off":          {machine: "Amazon EC2", vars: "AWS_EC2_METADATA_DISABLED=true", says: []string{none}},
		"another cloud":         {machine: "Microsoft Corporation Virtual Machine", says: []string{none}},
		"a key":                 {vars: container + " " + keys, proof: "AWS_ACCESS_KEY_ID"},
		"after a ready token":   {vars: container + " CODEARTIFACT_AUTH_TOKEN=t", proof: "CODEARTIFACT_AUTH_TOKEN"},
		"after the job's":       {vars: container + " GITHUB_ACTIONS=true " + role, proof: "GitHub Actions"},
		"a job without a role":  {vars: container + " GITHUB_ACTIONS=true", proof: "the container's role"},
		"a pod with a role":     {vars: container + " AWS_WEB_IDENTITY_TOKEN_FILE=/t " + role, proof: "Kubernetes"},
		"before the last login": {vars: container, login: true, proof: "the container's role"},
		"the last login":        {login: true, proof: "the refresh token of a login with x"},
		"a named provider":      {vars: container + " " + role, provider: "github", proof: "GitHub Actions"},
		"a named provider without a role": {vars: container, provider: "github",
			says: []string{none, "set AWS_ROLE_ARN or role="}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newFixture(t, map[string]string{})
			for _, kv := range strings.Fields(test.vars) {
				name, value, _ := strings.Cut(kv, "=")
				p.vars[name] = value
			}
			p.env.Machine = func() string { return test.machine }
			s := p.session(t)
			r := ref(t, index, true)
			target, err := registry.Open(p.env, r)
			if err != nil {
				t.Fatal(err)
			}
			if test.login {
				l := Lease{Target: target}
				l.Key, l.From, l.Method, l.Receiver = "k", "x", regpass.Refresh, target.Receiver.String()
				l.Own, l.Revocable = true, true
				l.Scope = target.ScopeFor(l.Method)
				l.Cred = regpass.Credential{Registry: target.Row.Name, Secret: regpass.NewSecret("over"), Expires: p.now,
					Refresh: regpass.NewSecret("again")}
				if err := s.Keep(l.Lease); err != nil {
					t.Fatal(err)
				}
			}
			o := Options{Timeout: time.Minute, Least: regpass.Least{Time: time.Minute}, Provider: test.provider}
			e := New(p.env, s, o, &reported{}).Explain(r)
			if e.Proof != test.proof || (e.Err == nil) != (test.says == nil) {
				t.Errorf("%q, %v; want %q", e.Proof, e.Err, test.proof)
			}
			if test.says != nil {
				testenv.WantError(t, e.Err, "", test.says...)
			}
			if len(p.pyx.Asked()) > 0 {
				t.Error("somebody was asked")
			}
		})
	}
}
