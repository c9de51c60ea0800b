package sts_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/sts"
)

// serviceWithKey starts a bare service.
func serviceWithKey(t *testing.T, path string) error {
	t.Helper()
	s, err := sts.New(t.Context(), sts.Config{PublicURL: origin, SigningKey: path},
		sts.Options{Env: &regpass.Env{Now: time.Now, HTTP: http.DefaultClient}})
	if err == nil {
		t.Cleanup(func() { must(t, s.Close()) })
	}
	return err
}

func TestSigningKeyIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signing.pem")
	must(t, serviceWithKey(t, path))
	first, err := os.ReadFile(path)
	must(t, err)
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 || !strings.HasPrefix(string(first), "-----BEGIN PRIVATE KEY-----") {
		t.Errorf("the key has mode %v", info.Mode())
	}
	must(t, serviceWithKey(t, path))
	second, err := os.ReadFile(path)
	must(t, err)
	if string(first) != string(second) {
		t.Error("the key was made anew")
	}
}

func pkcs8(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func TestSigningKeyRefuses(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.pem")
	must(t, serviceWithKey(t, good))
	text, err := os.ReadFile(good)
	must(t, err)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	file := func(text []byte, mode os.FileMode) func(string) error {
		return func(path string) error {
			if err := os.WriteFile(path, text, 0o600); err != nil {
				return err
			}
			return os.Chmod(path, mode)
		}
	}
	for name, test := range map[string]struct {
		make func(path string) error
		says string
	}{
		"group may read":   {file(text, 0o640), "mode 0640"},
		"others may write": {file(text, 0o602), "mode 0602"},
		"a link":           {func(p string) error { return os.Symlink(good, p) }, "not a regular file"},
		"a dangling link": {func(p string) error { return os.Symlink(filepath.Join(dir, "none"), p) },
			"not a regular file"},
		"a directory": {func(p string) error { return os.Mkdir(p, 0o700) }, "not a regular file"},
		"not PEM":     {file([]byte("key"), 0o600), "not a PEM file"},
		"not a key": {file([]byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), 0o600),
			"not a PKCS #8"},
		"RSA":               {file(pkcs8(t, rsaKey), 0o600), "neither Ed25519 nor P-256"},
		"P-384":             {file(pkcs8(t, p384), 0o600), "must be on P-256"},
		"nowhere to put it": {func(string) error { return nil }, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "signing.pem")
			if name == "nowhere to put it" {
				path = filepath.Join(dir, "none", "signing.pem")
			}
			must(t, test.make(path))
			if err := serviceWithKey(t, path); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want one that says %q", err, test.says)
			}
		})
	}
}

// TestSigningKeyOfAnother is not taken: whoever made it knows it. Only root can give a file away.
func TestSigningKeyOfAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signing.pem")
	must(t, serviceWithKey(t, path))
	if os.Geteuid() != 0 {
		return
	}
	must(t, os.Chown(path, 12345, 12345))
	if err := serviceWithKey(t, path); err == nil || !strings.Contains(err.Error(), "belongs to another user") {
		t.Errorf("took the key of another user: %v", err)
	}
}

func TestES256(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	fx := newFixture(t, func(c *sts.Config) {
		c.SigningKey = filepath.Join(t.TempDir(), "p256.pem")
		must(t, os.WriteFile(c.SigningKey, pkcs8(t, key), 0o600))
	})
	token := fx.token(fx.dev)
	fx.want(t, fx.do(ask{path: project, header: bearer(token)}), 200)
	if got := fx.do(ask{path: "/.well-known/jwks.json"}); !strings.Contains(got.body, `"alg":"ES256"`) {
		t.Errorf("keys: %s", got.body)
	}
}

// TestOthersCanVerify: the discovery document and the key set are enough to verify a token elsewhere, here by another
// service that trusts the first as an issuer.
func TestOthersCanVerify(t *testing.T) {
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	first := newFixture(t, func(c *sts.Config) { c.PublicURL = server.URL })
	handler = first.handler
	second := newFixture(t, func(c *sts.Config) {
		c.Trust = []sts.Trust{{Issuer: server.URL, Audience: server.URL, Workspace: "acme",
			Permissions: sts.Permissions{sts.Read},
			Claims:      map[string]string{"workspaces": `["acme"]`, "permissions": `["read"]`}}}
	})
	got := second.do(ask{method: "POST", path: accessPath, body: tokenBody(first.token(first.reader))})
	second.want(t, got, 200)
	got = second.do(ask{method: "POST", path: accessPath, body: tokenBody(first.token(first.dev))})
	second.want(t, got, 403)
}
