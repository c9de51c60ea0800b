package registry_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/regpass/regpass/internal/testenv"
	"github.com/regpass/regpass/registry"
)

// TestTrustOfAChosenSubject fails where what an administrator enters for a job of Bitrise lets in every customer of
// Bitrise: each of its builds writes into sub what it likes, and all have one issuer.
func TestTrustOfAChosenSubject(t *testing.T) {
	job := registry.Job{Issuer: "https://token.builds.bitrise.io", Audience: "an-audience", Claims: []registry.Claim{
		{Name: "sub", Value: "acme/app"}, {Name: "app_slug", Value: "8f3a1c20d4e5b697"}}}
	for _, row := range registry.All {
		if row.Trust == nil || !row.OIDC {
			continue
		}
		env := testenv.New(t, nil)
		target, err := registry.Open(env, ref(t, row.Example))
		if err != nil {
			t.Errorf("%s: %s", row.Name, said(err))
			continue
		}
		trust, err := row.Trust(env, target, job)
		if err != nil {
			continue // it knows only other issuers, or compares nothing but sub
		}
		documents, err := json.Marshal(trust)
		if err != nil {
			t.Error(err)
		}
		pins := func(text string) bool { return text == "" || strings.Contains(text, "8f3a1c20d4e5b697") }
		if !pins(trust.Shell) && row.Name != "octo-sts" /* in base64 there */ || !pins(trust.Terraform) ||
			!pins(string(documents)) {
			t.Errorf("%s: an app of anybody is let in: %s", row.Name, documents)
		}
	}
}
