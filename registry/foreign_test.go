package registry_test

import (
	"testing"

	"github.com/regpass/regpass/internal/testenv"
	"github.com/regpass/regpass/registry"
)

// TestCentralCredentialStays fails where type= has a credential that one service makes for its own hosts, by its own
// proofs, sent to any other host.
func TestCentralCredentialStays(t *testing.T) {
	env := testenv.New(t, nil)
	for _, kind := range []string{"dockerhub", "chainguard", "codeartifact", "ecr", "azure-artifacts", "acr", "google",
		"octo-sts"} {
		for _, host := range []string{"https://evil.example/x", "https://docker.io:8443", "https://cgr.dev.evil.example"} {
			if _, err := registry.Open(env, ref(t, host+" type="+kind)); err == nil {
				t.Errorf("%s gets the credential of %s", host, kind)
			}
		}
	}
}
