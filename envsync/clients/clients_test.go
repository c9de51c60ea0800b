package clients

import (
	"slices"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/envsync/ask"
	"github.com/regpass/regpass/internal/testenv"
)

// handOver is an entry for a REGISTRY as one writes it.
func handOver(tb testing.TB, ref string, kind regpass.Kind, username, secret string) envsync.Entry {
	tb.Helper()
	r, c := testenv.Credential(tb, ref, kind, username, secret)
	return envsync.Entry{Ref: r, Cred: c}
}

func TestClients(t *testing.T) {
	entries := []envsync.Entry{handOver(t, "https://h.test/simple name=main", regpass.Basic, "u", "p")}
	var names []string
	for _, s := range All {
		names = append(names, s.Name)
		found, err := Find(s.Name)
		if err != nil || found.Doc != s.Doc || s.Doc == "" {
			t.Errorf("%s: %v", s.Name, err)
		}
		entries := entries
		var command []string
		if len(s.Runs) > 0 {
			entries = []envsync.Entry{handOver(t, "https://h.test/uploads", regpass.Basic, "u", "p")}
			command = append(slices.Clone(s.Runs), "-r", "https://h.test/uploads")
			if s.Name == poetryPublish.name {
				command[len(command)-1] = "main"
			}
		}
		if s.Name == "conda" {
			entries = []envsync.Entry{handOver(t, "https://h.test/channel", regpass.CondaToken, "", "tk-1")}
		}
		p, err := s.Plan(testenv.New(t, nil), t.TempDir(), entries, envsync.Options{Wildcard: true, Command: command,
			Names: []regpass.Named{{Client: s.Name, Name: "main", URL: "https://h.test/simple"}}})
		if err != nil || len(p.Vars) == 0 {
			t.Errorf("%s: %v, %v", s.Name, p.Vars, err)
		}
		for _, c := range p.Changes {
			f := c.Format
			if known, err := FindFormat(f.Name); err != nil || known.Name != f.Name {
				t.Errorf("%s: a session does not know the format %s: %v", s.Name, f.Name, err)
			}
			one, err := f.Set(c.Base, entries)
			if err != nil {
				t.Fatal(err)
			}
			if two, err := f.Set(one, entries); err != nil || string(two) != string(one) {
				t.Errorf("%s: set twice: %q, %v", f.Name, two, err)
			}
			if back, err := f.Restore(one, nil, f.Keys(entries)); err != nil || back != nil {
				t.Errorf("%s: restored %q, %v", f.Name, back, err)
			}
			if _, err := f.Set(nil, []envsync.Entry{handOver(t, "h.test", entries[0].Cred.Kind, "u", "a\nb")}); err == nil {
				t.Errorf("%s: carries a line end", f.Name)
			}
			bad := entries[0]
			bad.Cred.Host = "h.test/../evil"
			if _, err := f.Set(nil, []envsync.Entry{bad}); err == nil {
				t.Errorf("%s: takes %s for a host", f.Name, bad.Cred.Host)
			}
		}
	}
	if !slices.Equal(names[:4], []string{"env", "netrc", "rattler", "uv"}) {
		t.Errorf("sinks %v", names)
	}
	_, err := Find("pip")
	testenv.WantError(t, err, "", `"pip"`, "env, netrc, rattler, uv")
	_, err = FindFormat("ini")
	testenv.WantError(t, err, "", `"ini"`)
}

// TestClientsShareNothing holds that no two clients have the same variable, file, secret, output or flag.
func TestClientsShareNothing(t *testing.T) {
	owner := map[[2]string]string{}
	for _, s := range All {
		for kind, word := range map[string]string{"name": s.Name, "variable": s.Var, "file": s.File, "secret": s.Build.ID,
			"target": s.Build.Target, "output": s.Output, "flag": s.InPlace.Flag} {
			if other := owner[[2]string{kind, word}]; word != "" && other != "" {
				t.Errorf("%s and %s have the same %s %s", other, s.Name, kind, word)
			}
			owner[[2]string{kind, word}] = s.Name
		}
		for _, f := range append([]envsync.Format{s.Format}, s.Variants...) {
			if other := owner[[2]string{"format", f.Name}]; f.Name != "" && f.Name != ask.Format.Name && other != "" {
				t.Errorf("%s and %s have the same format %s", other, s.Name, f.Name)
			}
			owner[[2]string{"format", f.Name}] = s.Name
		}
	}
}
