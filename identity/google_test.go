package identity_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/internal/fake"
)

// network has a handler answer for every host, and keeps the hosts.
type network struct {
	handler http.Handler
	hosts   []string
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.hosts = append(n.hosts, r.URL.Host)
	rec := httptest.NewRecorder()
	n.handler.ServeHTTP(rec, r)
	return rec.Result(), nil
}

func onGoogle(t *testing.T, vars map[string]string) (*regpass.Env, *fake.GoogleMachine, *network) {
	t.Helper()
	machine := &fake.GoogleMachine{Issuer: issuer(t)}
	asked := &network{handler: machine}
	env, _ := surroundings(vars)
	env.HTTP = &http.Client{Transport: asked}
	return env, machine, asked
}

func TestGoogle(t *testing.T) {
	for host, want := range map[string]string{
		"": "169.254.169.254", "metadata.google.internal": "169.254.169.254", "169.254.169.252:988": "169.254.169.252:988",
		"127.0.0.1:8080": "127.0.0.1:8080",
	} {
		env, machine, asked := onGoogle(t, map[string]string{"GCE_METADATA_HOST": host})
		env.Machine = func() string { return "Google Google Compute Engine " }
		p, ok := identity.Detect(env, "pyx")
		if !ok || p.Name != "google" || p.Reusable || !p.Machine || len(asked.hosts) > 0 {
			t.Fatalf("%q: detected %q, asked %q", host, p.Name, asked.hosts)
		}
		got, err := p.Get(t.Context(), env, "https://a.example/x?y=z&format=standard")
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Claims.Audience, []string{"https://a.example/x?y=z&format=standard"}) {
			t.Errorf("for %q", got.Claims.Audience)
		}
		const shown = `sub="112010400000000710080" email="ci@acme.iam.gserviceaccount.com" google="{\"compute_engine\":`
		if s := got.Claims.Show(got.PolicyClaims); !strings.HasPrefix(s, shown) {
			t.Errorf("claims %s, want %s", s, shown)
		}
		if !slices.Equal(asked.hosts, []string{want}) || len(machine.Wrong()) > 0 {
			t.Errorf("%q: asked %q, wrong %q", host, asked.hosts, machine.Wrong())
		}
	}
}

func TestGoogleDetect(t *testing.T) {
	for _, test := range []struct {
		machine, vars string
		want          bool
	}{
		{"Google Google Compute Engine ", "", true},
		{"Google Google ", "", true},
		{"", "GCE_METADATA_HOST=169.254.169.254", true},
		{"Google Google Compute Engine ", "NO_GCE_CHECK=true", false},
		{"", "GCE_METADATA_HOST=169.254.169.254 NO_GCE_CHECK=True", false},
		{"Google Eve ", "", false}, // a laptop
		{"Amazon EC2 m5.large Amazon EC2", "", false},
		{"", "", false},
		{"Google Google Compute Engine ", "GITLAB_CI=true", false},
		{"Google Google Compute Engine ", "REGPASS_ID_TOKEN=x", false},
	} {
		vars := variables(strings.Fields(test.vars))
		env, _, asked := onGoogle(t, vars)
		env.Machine = func() string { return test.machine }
		p, ok := identity.Detect(env, "pyx")
		if got := ok && p.Name == "google"; got != test.want || len(asked.hosts) > 0 {
			t.Errorf("%q, %s: detected %q, asked %q", test.machine, test.vars, p.Name, asked.hosts)
		}
	}
}

func TestGoogleBroken(t *testing.T) {
	text := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	here := map[string]string{"GCE_METADATA_HOST": "169.254.169.254"}
	const noAccount = "this machine has no service account whose ID tokens it may ask for"
	for name, test := range map[string]struct {
		vars       map[string]string
		answers    []http.HandlerFunc
		none       bool
		outcome    error
		says, hint string
		asked      int
	}{
		"no account": {vars: here, none: true, outcome: regpass.ErrNoIdentity, says: noAccount,
			hint: "gcloud compute instances set-service-account", asked: 1},
		"not bound on GKE": {vars: here, answers: []http.HandlerFunc{text(403, "Unable to generate identity token")},
			outcome: regpass.ErrNoIdentity, says: noAccount, hint: "workload-identity", asked: 1},
		"down": {vars: here, answers: slices.Repeat([]http.HandlerFunc{text(503, "")}, 5), says: "503",
			hint: "NO_GCE_CHECK=true", asked: 5},
		"HTML": {vars: here, answers: []http.HandlerFunc{text(200, "<!doctype html><title>Sign in</title>")},
			outcome: regpass.ErrNoIdentity, says: "the token holds the byte", hint: "set up an identity from Google", asked: 1},
		"nothing": {vars: here, answers: []http.HandlerFunc{text(200, "")}, outcome: regpass.ErrNoIdentity,
			says: "the token is empty", asked: 1},
		"endless": {vars: here, answers: []http.HandlerFunc{text(200, strings.Repeat("a", 2<<20))},
			says: "longer than 1048576 bytes", asked: 1},
		"a command": {vars: here, answers: []http.HandlerFunc{text(400, "no\n::stop-commands::x\n##[error]y")},
			says: `400 Bad Request: "no\n`, asked: 1},
		"a redirect": {vars: here, answers: []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example/", http.StatusFound)
		}}, says: "a redirect, which is not followed", asked: 1},
		"a host far away": {vars: map[string]string{"GCE_METADATA_HOST": "evil.example"},
			says: "evil.example is neither https nor on this machine", hint: "at an address of this machine"},
		"an address far away": {vars: map[string]string{"GCE_METADATA_HOST": "93.184.216.34"}, says: "nor on this machine"},
		"a name like the address": {vars: map[string]string{"GCE_METADATA_HOST": "169.254.169.254.evil.example"},
			says: "nor on this machine"},
		"a user": {vars: map[string]string{"GCE_METADATA_HOST": "169.254.169.254@evil.example"},
			outcome: regpass.ErrNoIdentity, says: "GCE_METADATA_HOST is not a host"},
		"a path": {vars: map[string]string{"GCE_METADATA_HOST": "127.0.0.1/x?"}, outcome: regpass.ErrNoIdentity,
			says: "GCE_METADATA_HOST is not a host", hint: "set it to 169.254.169.254"},
		"elsewhere": {outcome: regpass.ErrNoIdentity, says: "this is no machine of Google Cloud",
			hint: "set GCE_METADATA_HOST=169.254.169.254"},
		"switched off": {vars: map[string]string{"GCE_METADATA_HOST": "169.254.169.254", "NO_GCE_CHECK": "true"},
			outcome: regpass.ErrNoIdentity, says: "this is no machine of Google Cloud", hint: "unset NO_GCE_CHECK"},
	} {
		t.Run(name, func(t *testing.T) {
			env, machine, asked := onGoogle(t, test.vars)
			machine.None = test.none
			machine.Instead(test.answers...)
			_, err := get(t, "google", env)
			wants(t, err, test.outcome, test.says, test.hint)
			if err != nil {
				holdsNone(t, err)
			}
			if len(asked.hosts) != test.asked {
				t.Errorf("asked %q", asked.hosts)
			}
		})
	}
}

// Another machine's token, or one for another audience, is not taken for ours.
func TestGoogleRefusesClaims(t *testing.T) {
	for says, claims := range map[string]map[string]any{
		`for the audience "other"`:      {"aud": "other"},
		"has no exp":                    {"exp": nil},
		`issuer "" is not an https URL`: {"iss": ""},
	} {
		env, machine, _ := onGoogle(t, map[string]string{"GCE_METADATA_HOST": "169.254.169.254"})
		machine.Claims = claims
		_, err := get(t, "google", env)
		wants(t, err, regpass.ErrNoIdentity, says, "")
	}
}
