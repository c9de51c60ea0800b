package clients

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
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
	return envsync.Entry{Ref: r, Cred: c, Images: true}
}

func TestClients(t *testing.T) {
	entries := []envsync.Entry{handOver(t, "https://h.test/simple name=main", regpass.Basic, "u", "p")}
	var names []string
	for _, s := range All {
		entries := entries
		names = append(names, s.Name)
		found, err := Find(s.Name)
		if err != nil || found.Doc != s.Doc || s.Doc == "" {
			t.Errorf("%s: %v", s.Name, err)
		}
		if s.Name == "terraform" { // the only one that takes no password
			entries = []envsync.Entry{handOver(t, "https://h.test/simple", regpass.Bearer, "", "p")}
		}
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
		if err != nil || len(p.Vars)+len(p.Items) == 0 {
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
	if hint := regpass.Hints(err)[0]; hint != "pip finds a credential by --to netrc, keyring" {
		t.Error(hint)
	}
	for _, u := range NoSink {
		for _, name := range u.Programs {
			_, err := Find(name)
			if hints := regpass.Hints(err); !slices.Contains(hints, u.Name+" has no sink: "+u.Instead) {
				t.Errorf("%s: %q", name, hints)
			}
		}
	}
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

// TestAsking holds what makes clients start our helpers, beside what they are told already.
func TestAsking(t *testing.T) {
	env := testenv.New(t, map[string]string{"GOAUTH": "git /x", "GOPROXY": "https://h.test/go|direct",
		"CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS": "cargo:token theirs", "YARN_PLUGINS": "/theirs.cjs"})
	entries := []envsync.Entry{handOver(t, "https://h.test/cargo", regpass.Bearer, "", "p")}
	named := envsync.Options{Names: []regpass.Named{{Client: "cargo", Name: "my-own", URL: "https://h.test/cargo/"},
		{Client: "cargo", Name: "x_INDEX=sparse+https://evil.test/ ", URL: "https://h.test/cargo/"},
		{Client: "cargo", Name: "nul\x00", URL: "https://h.test/cargo/"},
		{Client: "cargo", Name: "evil", URL: "https://evil.test/cargo/"}}}
	dir := t.TempDir()
	for sink, want := range map[string]map[string]string{
		"go": {"GOAUTH": "'" + dir + "/bin/goauth-regpass'; git /x"},
		"cargo": {"CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS": "cargo:token theirs " + dir + "/bin/cargo-credential-regpass",
			"CARGO_REGISTRIES_MY_OWN_CREDENTIAL_PROVIDER": dir + "/bin/cargo-credential-regpass"},
		"yarn": {"YARN_PLUGINS": dir + "/yarn.cjs;/theirs.cjs", "YARN_NPM_ALWAYS_AUTH": "true"},
	} {
		s, err := Find(sink)
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Plan(env, dir, entries, named)
		got := map[string]string{}
		for _, v := range p.Vars {
			got[v.Name] = filepath.ToSlash(v.Value())
		}
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("%s: %v, %v", sink, got, err)
		}
		if sink == "go" && (len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "GOPRIVATE")) {
			t.Errorf("go: %v", p.Notes)
		}
		if _, err := s.Plan(env, "/a b;c", entries, named); err == nil && sink != "yarn" {
			t.Errorf("%s: takes a path that its variable cannot hold", sink)
		}
	}
}
