// Package testenv holds helpers for the tests of several packages: surroundings without a process, files, and a check
// of errors.
package testenv

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regpass/regpass"
)

// New returns surroundings with these variables and new empty folders, for code that sends and prints nothing.
func New(t testing.TB, vars map[string]string) *regpass.Env {
	t.Helper()
	return &regpass.Env{
		Getenv: func(name string) string { return vars[name] },
		Home:   t.TempDir(),
		Dir:    t.TempDir(),
		Mask:   func(...regpass.Secret) {},
	}
}

// Write writes a file of mode 0600 and makes the folders above it.
func Write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// WantError checks that err and its hints hold all of the parts and never the secret.
func WantError(t testing.TB, err error, secret string, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want %q", parts)
	}
	text := err.Error() + "\n" + strings.Join(regpass.Hints(err), "\n")
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q does not say %q", text, p)
		}
	}
	if secret != "" && strings.Contains(text, secret) {
		t.Errorf("%q shows the secret", text)
	}
}

// Credential parses a REGISTRY as a person writes it, and makes a credential for its host.
func Credential(t testing.TB, ref string, kind regpass.Kind, username, secret string) (
	regpass.Ref, regpass.Credential) {
	t.Helper()
	r, err := regpass.ParseRef(ref)
	if err != nil {
		t.Fatal(err)
	}
	return r, regpass.Credential{Registry: "test", Host: r.Host, Kind: kind, Username: username,
		Secret: regpass.NewSecret(secret)}
}
