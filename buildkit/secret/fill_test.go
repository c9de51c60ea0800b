package secret_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/secret"
)

// TestFillIsWhatTheStoreAnswers holds that the secrets of credentials at hand are those that a build would be given.
func TestFillIsWhatTheStoreAnswers(t *testing.T) {
	m := newMinter(t)
	pyx := m.pyx("https://pkgs.example:8443/simple/acme/main ports=any type=pyx name=acme-main")
	conda := m.source("https://conda.corp", regpass.Credential{Kind: regpass.CondaToken, Secret: regpass.NewSecret("ct")})
	now := time.Unix(1e9, 0)
	for _, sources := range [][]secret.Source{{pyx, conda}, {conda}, {pyx, m.pyx("https://b.example")}, nil} {
		store, err := secret.NewStore(environment(&now, nil), m, sources, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range sources {
			for _, host := range append(s.Hosts, s.Ref.Host) {
				store.Fetches([]string{"https://" + host + "/"})
			}
		}
		want := map[string]string{}
		for _, s := range store.All() {
			if value, err := store.GetSecret(t.Context(), s.ID); err == nil {
				want[s.ID] = string(value)
			}
		}
		var creds []regpass.Credential
		for _, s := range sources {
			c, err := m.Credential(t.Context(), s.Ref)
			if err != nil {
				t.Fatal(err)
			}
			creds = append(creds, c)
		}
		made := m.made.Load()
		filled, warnings, err := secret.Fill(sources, creds)
		if err != nil || len(filled) != len(want) {
			t.Errorf("%d secrets, not %d: %v", len(filled), len(want), err)
		}
		if m.made.Load() != made {
			t.Error("a credential that is at hand was asked for")
		}
		for _, f := range filled {
			if f.Value.Reveal() != want[f.ID] {
				t.Errorf("%s: %q, not %q", f.ID, f.Value.Reveal(), want[f.ID])
			}
		}
		if all := strings.Join(warnings, "\n"); strings.Contains(all, "there is no secret netrc") != (len(sources) == 1) {
			t.Errorf("warnings: %s", all)
		}
	}
	same := m.pyx("https://c.example name=acme-main")
	c := regpass.Credential{Host: "c.example", Kind: regpass.Bearer, Secret: regpass.NewSecret("t")}
	if _, _, err := secret.Fill([]secret.Source{pyx, same}, []regpass.Credential{c, c}); !errors.Is(err,
		regpass.ErrUsage) {
		t.Errorf("two indexes of one name: %v", err)
	}
}

// TestFillHasEveryHost holds that a file has an entry for each host of a credential.
func TestFillHasEveryHost(t *testing.T) {
	pyx := newMinter(t).pyx("https://pkgs.example")
	c := regpass.Credential{Host: "pkgs.example", MoreHosts: []string{"files.example"}, Kind: regpass.Bearer,
		Username: "__token__", Secret: regpass.NewSecret("t")}
	filled, _, err := secret.Fill([]secret.Source{pyx}, []regpass.Credential{c})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range filled {
		if f.Var == "" {
			continue
		}
		for _, host := range []string{"pkgs.example", "files.example"} {
			if !strings.Contains(f.Value.Reveal(), host) {
				t.Errorf("%s has nothing for %s: %q", f.ID, host, f.Value.Reveal())
			}
		}
	}
}

// A file that knows no ports goes without the credential of a server on a port of its own, and says so.
func TestFilesWithoutPorts(t *testing.T) {
	m := newMinter(t)
	src := m.pyx("https://pkgs.example:8443/simple/acme/main type=pyx")
	all, warnings, err := secret.Fill([]secret.Source{src}, []regpass.Credential{{Registry: "pyx", Kind: regpass.Bearer,
		Host: "pkgs.example:8443", Username: "__token__", Secret: regpass.NewSecret("eyJ-token")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.ID == "netrc" || s.ID == "rattler" {
			t.Errorf("there is a secret %s", s.ID)
		}
	}
	said := strings.Join(warnings, "\n")
	for _, client := range []string{"netrc", "rattler"} {
		if !strings.Contains(said, "left out: "+client+": pkgs.example:8443: ") || !strings.Contains(said, "ports=any") {
			t.Errorf("warned %s", said)
		}
	}
}
