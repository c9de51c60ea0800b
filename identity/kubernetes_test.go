package identity_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/identity"
)

// mount lays a token out as the kubelet does: the name is a link into a folder that another link switches.
// https://github.com/kubernetes/kubernetes/blob/master/pkg/volume/util/atomic_writer.go
func mount(t *testing.T, dir, name, token string) {
	t.Helper()
	version := "..2026_" + name
	_ = os.Mkdir(filepath.Join(dir, version), 0o700)
	write(t, filepath.Join(dir, version, name), token)
	_ = os.Remove(filepath.Join(dir, "..data"))
	_ = os.Remove(filepath.Join(dir, name))
	for link, to := range map[string]string{"..data": version, name: filepath.Join("..data", name)} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestKubernetesVariables(t *testing.T) {
	for variable, audiences := range map[string][]string{
		"AWS_WEB_IDENTITY_TOKEN_FILE": {"sts.amazonaws.com", "sts.amazonaws.com.cn"},
		"AZURE_FEDERATED_TOKEN_FILE":  {"api://AzureADTokenExchange"},
	} {
		for _, audience := range audiences {
			dir := t.TempDir()
			env, masked := surroundings(map[string]string{variable: filepath.Join(dir, "token")})
			p, ok := identity.Detect(env, audience)
			if !ok || p.Name != "kubernetes" || !p.Reusable {
				t.Fatalf("%s: detected %q", audience, p.Name)
			}
			for _, subject := range []string{"system:serviceaccount:ci:a", "system:serviceaccount:ci:b"} { // it is rotated
				token := sign(t, map[string]any{"sub": subject, "aud": []string{audience}})
				mount(t, dir, "token", token+"\n")
				got, err := p.Get(t.Context(), env, audience)
				if err != nil || got.Token.Reveal() != token || got.Claims.Subject != subject {
					t.Errorf("%s: %v", audience, err)
				}
			}
			if len(*masked) != 2 {
				t.Errorf("masked %d", len(*masked))
			}
			for _, other := range []string{"pyx", "", "sts.amazonaws.com.evil.example", "api://AzureADTokenExchangeX"} {
				if p, ok := identity.Detect(env, other); ok {
					t.Errorf("%s: detected %s", other, p.Name)
				}
			}
		}
	}
}

func TestKubernetesBroken(t *testing.T) {
	const aws = "sts.amazonaws.com"
	dir := t.TempDir()
	token := sign(t, map[string]any{"aud": aws})
	write(t, filepath.Join(dir, "long"), strings.Repeat("A", 600_000))
	write(t, filepath.Join(dir, "empty"), "")
	write(t, filepath.Join(dir, "two"), token+"\n"+token)
	write(t, filepath.Join(dir, "other"), sign(t, map[string]any{"aud": "https://kubernetes.default.svc"}))
	write(t, filepath.Join(dir, "legacy"), sign(t, map[string]any{"aud": aws, "iss": "kubernetes/serviceaccount"}))
	write(t, filepath.Join(dir, "noissuer"), sign(t, map[string]any{"aud": aws, "iss": nil}))
	p, err := identity.Find("kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{
		"missing":  "AWS_WEB_IDENTITY_TOKEN_FILE: no such file",
		".":        "AWS_WEB_IDENTITY_TOKEN_FILE: not a plain file",
		"long":     "longer than 66560 bytes",
		"empty":    "the token is empty",
		"two":      "0x0a",
		"other":    `for the audience "https://kubernetes.default.svc", not for "sts.amazonaws.com"`,
		"legacy":   `issuer "kubernetes/serviceaccount" is not an https URL`,
		"noissuer": `issuer "" is not an https URL`,
		token:      "AWS_WEB_IDENTITY_TOKEN_FILE: ", // people put the token itself there
	} {
		env, _ := surroundings(map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": filepath.Join(dir, path)})
		_, err := p.Get(t.Context(), env, aws)
		wants(t, err, regpass.ErrNoIdentity, says, `"sts.amazonaws.com"`)
		if err != nil {
			holdsNone(t, err, token)
		}
	}
	env, _ := surroundings(nil)
	_, err = p.Get(t.Context(), env, "pyx")
	wants(t, err, regpass.ErrNoIdentity, `no token of this pod is for "pyx" only`, `audience: "pyx", expirationSeconds`)
}
