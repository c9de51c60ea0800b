package broker

import (
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/testenv"
	"github.com/regpass/regpass/session"
)

// A registry that only the checkout names gets of the session what its own proofs would give it, and nothing that was
// made with a secret which names no registry, by way of a refresh token either.
func TestSessionOfASecretThatNamesNoRegistry(t *testing.T) {
	const index = "https://api.pyx.dev/simple/acme/main"
	for name, test := range map[string]struct {
		variable string // that holds the key
		given    string
		taken    bool // by the registry that the checkout names
	}{
		"its own variable": {variable: "PYX_API_KEY", taken: true},
		"general variable": {variable: KeyVar},
		"flag":             {given: "--token-stdin"},
		"input":            {given: "the input api-key"},
	} {
		p := newFixture(t, map[string]string{})
		o := Options{Timeout: time.Minute, Least: regpass.Least{Time: time.Minute}}
		made := o
		if made.Given.From = test.given; test.given != "" {
			made.Given.Secret = regpass.NewSecret(p.pyx.Key)
		} else {
			p.vars[test.variable] = p.pyx.Key
		}
		s := p.session(t)
		first, err := New(p.env, s, made, &reported{}).Credential(t.Context(), ref(t, index, true))
		if err != nil {
			t.Fatal(err)
		}
		delete(p.vars, test.variable)
		for _, trusted := range []bool{true, false} {
			l, err := New(p.env, s, o, &reported{}).Credential(t.Context(), ref(t, index, trusted))
			got := err == nil && l.Cred.Secret.Fingerprint() == first.Cred.Secret.Fingerprint()
			if got != (trusted || test.taken) {
				t.Errorf("%s: trusted: %v, got it: %v, %v", name, trusted, got, err)
			}
			if err != nil {
				testenv.WantError(t, err, p.pyx.Key, "but the session's, which is for a registry that you name")
			}
		}
	}
}

func TestRefreshOfASecretThatNamesNoRegistry(t *testing.T) {
	for _, own := range []bool{true, false} {
		p := newFixture(t, map[string]string{})
		s := p.session(t)
		err := s.Keep(session.Lease{Key: "k", Receiver: "https://api.pyx.dev", Method: regpass.Browser, From: "x", Own: own,
			Revocable: true, Minted: p.now, Cred: regpass.Credential{Registry: "pyx", Host: "api.pyx.dev",
				Secret: regpass.NewSecret("over"), Refresh: regpass.NewSecret(p.pyx.Issue()), Expires: p.now}})
		if err != nil {
			t.Fatal(err)
		}
		b := New(p.env, s, Options{Timeout: time.Minute, Least: regpass.Least{Time: time.Minute}}, &reported{})
		for range 2 { // the refreshed one is as its own as the one before
			l, err := b.Credential(t.Context(), ref(t, "https://api.pyx.dev/simple/acme/main", false))
			if own != (err == nil) || own != l.Own {
				t.Errorf("own: %v, got %v, %v", own, l.Own, err)
			}
			p.now = p.now.Add(2 * time.Hour)
		}
	}
}
