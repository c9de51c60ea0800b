package secret_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/cli/cli/config/types"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/secret"
)

func TestRegistryAuthMintsForConfiguredHosts(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"auths":{"other.example":{"auth":"dTpw"}}}`),
		0o600); err != nil {
		t.Fatal(err)
	}
	env := &regpass.Env{Getenv: func(name string) string { return map[string]string{"DOCKER_CONFIG": dir}[name] }}
	var masked []string
	env.Mask = func(all ...regpass.Secret) {
		for _, s := range all {
			if !s.Empty() {
				masked = append(masked, s.Reveal())
			}
		}
	}
	cred := regpass.Credential{Kind: regpass.Basic, Username: "me", Secret: regpass.NewSecret("first")}
	env.Now = time.Now
	var fails error
	m := newMinter(t)
	m.fresh = func(c regpass.Credential) bool {
		return c.Secret.Fingerprint() == cred.Secret.Fingerprint() && c.Kind == cred.Kind
	}
	src := m.add("https://reg.example:5000/acme", func(int64) (regpass.Credential, error) { return cred, fails })
	store, err := secret.NewStore(env, m, []secret.Source{src}, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(host string) types.AuthConfig {
		t.Helper()
		a, err := store.RegistryAuth(t.Context(), host, nil, func(time.Time, string) bool { return false })
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if a := ask("Reg.example:5000"); a.Username != "me" || a.Password != "first" {
		t.Errorf("%+v", a)
	}
	if _, err := store.GetSecret(t.Context(), "reg.example_5000"); err != nil || m.made.Load() != 1 {
		t.Errorf("a step's secret and the registry's took %d exchanges: %v", m.made.Load(), err)
	}
	cred.Secret = regpass.NewSecret("second") // the first is not fresh any more
	if a := ask("reg.example:5000"); a.Password != "second" {
		t.Errorf("%+v", a)
	}
	cred = regpass.Credential{Kind: regpass.Bearer, Secret: regpass.NewSecret("token")}
	if a := ask("reg.example:5000"); a != (types.AuthConfig{RegistryToken: "token"}) {
		t.Errorf("%+v", a)
	}
	if a := ask("other.example"); a.Username != "u" || a.Password != "p" {
		t.Errorf("%+v", a)
	}
	if a := ask("reg.example"); a.Username != "" || a.Password != "" || a.RegistryToken != "" {
		t.Errorf("a host with another port got %+v", a)
	}
	if len(masked) != 1 || masked[0] != "p" {
		t.Errorf("masked: %q", masked)
	}
	cred.Kind = regpass.S3
	if _, err := store.RegistryAuth(t.Context(), "reg.example:5000", nil, nil); err == nil {
		t.Error("a credential for S3 went to a container registry")
	}
	cred.Kind = regpass.Basic
	if _, err := store.RegistryAuth(t.Context(), "reg.example:5000", nil, nil); err == nil ||
		!strings.Contains(err.Error(), "takes no password without a user name") {
		t.Errorf("a password without a user name went to a container registry: %v", err)
	}
	cred.Secret, fails = regpass.NewSecret("third"), errors.New("the server said: secret things")
	if _, err := store.RegistryAuth(t.Context(), "reg.example:5000", nil, nil); err == nil ||
		strings.Contains(err.Error(), "secret things") || !strings.Contains(err.Error(),
		"reg.example:5000: no credential could be had") {
		t.Errorf("the builder gets to know %v", err)
	}
}

// TestRegistryAuthOfImages fails if a base image of a known host gets no credential, or where docker has its own;
// and if a host without a proof, or one whose exchange fails, stops a build that may need none.
func TestRegistryAuthOfImages(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"auths":{"known.example":{"auth":"dTpw"}}}`),
		0o600); err != nil {
		t.Fatal(err)
	}
	env := &regpass.Env{Getenv: func(name string) string { return map[string]string{"DOCKER_CONFIG": dir}[name] },
		Mask: func(...regpass.Secret) {}, Now: time.Now}
	m := newMinter(t)
	m.fresh = func(regpass.Credential) bool { return true }
	good := m.add("https://images.example", func(int64) (regpass.Credential, error) {
		return regpass.Credential{Kind: regpass.Basic, Username: "AWS", Secret: regpass.NewSecret("minted")}, nil
	})
	bad := m.add("https://down.example", func(int64) (regpass.Credential, error) {
		return regpass.Credential{}, errors.New("down")
	})
	store, err := secret.NewStore(env, m, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	store.Images = func(host string) (regpass.Ref, bool) {
		switch host {
		case "images.example", "known.example":
			return good.Ref, true
		case "down.example":
			return bad.Ref, true
		}
		return regpass.Ref{}, false
	}
	for host, want := range map[string]types.AuthConfig{
		"images.example": {Username: "AWS", Password: "minted"},
		"known.example":  {Username: "u", Password: "p"},
		"down.example":   {},
		"public.example": {},
	} {
		for range 2 {
			a, err := store.RegistryAuth(t.Context(), host, nil, func(time.Time, string) bool { return false })
			if a.ServerAddress = ""; err != nil || a != want {
				t.Errorf("%s: %+v, %v", host, a, err)
			}
		}
	}
}
