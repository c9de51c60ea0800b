package identity

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
)

// The tokens that a pod mounts are found by what they are for; one that is for the API server too is not shown.
func TestProjected(t *testing.T) {
	issuer, err := fake.NewIssuer("ES256")
	if err != nil {
		t.Fatal(err)
	}
	issuer.URL = "https://cluster.example"
	dir, outside := t.TempDir(), t.TempDir()
	token := func(aud any) string {
		text, err := issuer.Sign(map[string]any{"sub": "system:serviceaccount:ci:builder", "aud": aud,
			"exp": time.Now().Add(time.Hour).Unix()})
		if err != nil {
			t.Fatal(err)
		}
		return text.Reveal()
	}
	put := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, name string) {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	pyx := token([]string{"pyx"})
	if err := os.Mkdir(filepath.Join(dir, "..2026"), 0o700); err != nil {
		t.Fatal(err)
	}
	put(filepath.Join(dir, "..2026", "pyx"), pyx+"\n")
	put(filepath.Join(dir, "..hidden"), token("hidden"))
	put(filepath.Join(dir, "both"), token([]string{"https://kubernetes.default.svc", "pypi"}))
	put(filepath.Join(dir, "a-note"), "not a token")
	put(filepath.Join(outside, "secret"), token("outside"))
	link("..2026", "..data")
	link("..data/pyx", "pyx")
	link(filepath.Join(outside, "secret"), "absolute")
	link("../"+filepath.Base(outside)+"/secret", "relative")
	link("loop", "loop")

	vars := map[string]string{"KUBERNETES_SERVICE_HOST": "10.0.0.1"}
	env := &regpass.Env{Getenv: func(name string) string { return vars[name] }}
	for audience, want := range map[string]bool{"pyx": true, "pypi": false, "hidden": false, "outside": false, "": false,
		"https://kubernetes.default.svc": false} {
		got, ok := projected(env, dir, audience)
		if ok != want || ok && got.Reveal() != pyx {
			t.Errorf("%q: found %v", audience, ok)
		}
	}
	if _, ok := projected(env, filepath.Join(dir, "missing"), "pyx"); ok {
		t.Error("found in a folder that is not there")
	}
	vars["KUBERNETES_SERVICE_HOST"] = ""
	if _, ok := projected(env, dir, "pyx"); ok {
		t.Error("found outside of a pod")
	}
}
