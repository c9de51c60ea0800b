package fake

import "crypto/rand"

// NewGitea makes a job of Gitea as https://github.com/go-gitea/gitea/pull/39052 proposes it. The caller serves it, sets
// the URL of issuer, and passes the fake's URL to Environ. Gitea's issuer is its URL with /api/actions/oidc at the end.
func NewGitea(issuer *Issuer) *Forge {
	return &Forge{Issuer: issuer, flags: []string{"GITEA_ACTIONS=true"}, path: "/api/actions/oidc/token", query: "?",
		subject: "repo:5/4:ref:refs/heads/main", password: rand.Text(),
		Claims: map[string]any{"workflow_ref": "acme/app/.gitea/workflows/build.yml@refs/heads/main",
			"runner_environment": "self-hosted"}}
}
