package registry_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/regpass/regpass/registry"
)

// TestTrustOfVendors fails if what a registry's administrator is told lacks the claims that let in this job alone.
func TestTrustOfVendors(t *testing.T) {
	github := registry.Job{Issuer: "https://token.actions.githubusercontent.com", Audience: "an-audience",
		Claims: []registry.Claim{{Name: "sub", Value: "repo:acme/app:ref:refs/heads/main"},
			{Name: "repository_owner", Value: "acme"}, {Name: "repository_id", Value: "7"}}}
	agent := registry.Job{Issuer: "https://agent.buildkite.com", Audience: "an-audience",
		Claims: []registry.Claim{{Name: "sub", Value: "organization:acme:pipeline:app:ref:refs/heads/main:commit:10b9a3f"},
			{Name: "organization_slug", Value: "acme"}, {Name: "pipeline_slug", Value: "app"},
			{Name: "build_branch", Value: "main"}, {Name: "pipeline_id", Value: "0192c4a5"}}}
	for _, test := range []struct {
		ref      string
		job      registry.Job
		says     []string
		saysNone []string
	}{
		{jfrogIndex + " provider=gh", github, []string{`"provider_type":"GitHub"`, `"organization":"acme"`, `"name":"gh"`,
			`"claims":{"repository_id":"7","sub":"repo:acme/app:ref:refs/heads/main"}`, "platform_oidc_identity_mapping",
			`{"Name":"JF_OIDC_PROVIDER_NAME","Value":"gh"}`}, nil},
		{jfrogIndex, agent, []string{`"provider_type":"Generic OpenID Connect"`, `"pipeline_slug":"app"`},
			[]string{"10b9a3f"}},
		{cloudsmithIndex + " service=ci-a1b2", github, []string{`provider_url     = \"https://token.actions`,
			`\"repository_id\" = \"7\"`, `namespace        = \"acme\"`, `service_accounts = [\"ci-a1b2\"]`}, nil},
		{quayImage, github, []string{`[{"issuer":"https://token.actions.githubusercontent.com",` +
			`"subject":"repo:acme/app:ref:refs/heads/main"}]`, "acme+ci"}, []string{"changes with every run"}},
		{quayImage, agent, []string{"changes with every run"}, nil},
		{dockerHubImage, github, []string{`{"Name":"rule: subject claim","Value":"repo:acme/app:ref:refs/heads/main"}`,
			"DOCKERHUB_OIDC_CONNECTIONID"}, nil},
		{buildkiteIndex, agent, []string{`- iss: \"https://agent.buildkite.com\"\n  scopes:\n    - read_packages\n` +
			`  claims:\n    organization_slug: \"acme\"\n    pipeline_slug: \"app\"\n    build_branch: \"main\"\n` +
			`    pipeline_id: \"0192c4a5\"\n`}, []string{"10b9a3f"}},
		{chainguardImage, github, []string{"--subject='repo:acme/app:ref:refs/heads/main' --audience='an-audience'",
			"--role=registry.pull"}, []string{"--subject-pattern"}},
		{"https://libraries.cgr.dev/python/simple/", agent, []string{"--role=libraries.python.pull", "--subject-pattern"},
			nil},
	} {
		target, err := registry.Open(newFixture(nil).Env, ref(t, test.ref))
		if err != nil {
			t.Fatal(said(err))
		}
		trust, err := target.Row.Trust(newFixture(nil).Env, target, test.job)
		if err != nil {
			t.Fatal(said(err))
		}
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(trust); err != nil {
			t.Fatal(err)
		}
		for _, s := range test.says {
			if !strings.Contains(b.String(), s) {
				t.Errorf("%s: %s\ndoes not say %s", test.ref, b.String(), s)
			}
		}
		for _, s := range test.saysNone {
			if strings.Contains(b.String(), s) {
				t.Errorf("%s: %s\nsays %s", test.ref, b.String(), s)
			}
		}
	}
}
