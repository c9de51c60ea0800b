package registry_test

import (
	"testing"

	"github.com/regpass/regpass/registry"
)

// TestTrustWithoutPatterns fails if a claim with a *, such as that of an environment of that name, is to be entered
// where it stands for any text.
func TestTrustWithoutPatterns(t *testing.T) {
	for _, registered := range []string{dockerHubImage, jfrogIndex, cloudsmithIndex} {
		env := newFixture(nil).Env
		target, err := registry.Open(env, ref(t, registered))
		if err != nil {
			t.Fatal(said(err))
		}
		job := registry.Job{Issuer: "https://token.actions.githubusercontent.com", Audience: "an-audience",
			Claims: []registry.Claim{{Name: "sub", Value: "repo:acme/app:environment:*"}}}
		if trust, err := target.Row.Trust(env, target, job); err == nil {
			t.Errorf("%s: every job of the repository is let in: %+v", registered, trust)
		}
	}
}
