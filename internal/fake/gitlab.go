package fake

import (
	"slices"
	"time"
)

// GitLab is a GitLab CI/CD job. Its ID tokens are made when it begins
// (https://docs.gitlab.com/ci/secrets/id_token_authentication/).
type GitLab struct {
	*Issuer
	// IDTokens is the job's `id_tokens:`. It maps the name of a variable to the aud of its token, a string or a list of
	// strings.
	IDTokens map[string]any
	// Claims replace those of the job in every token; one that is nil is left out.
	Claims map[string]any
}

// Environ lists the variables of the job, NAME=value, among them a new token for each entry of IDTokens.
func (g *GitLab) Environ() ([]string, error) {
	vars := []string{
		"CI=true",
		"GITLAB_CI=true",
		"CI_COMMIT_REF_NAME=main",
		"CI_JOB_ID=302",
		"CI_JOB_TOKEN=glcbt-64_" + uuid(),
		"CI_PIPELINE_SOURCE=push",
		"CI_PROJECT_PATH=acme/app",
		"CI_SERVER_URL=" + g.URL,
	}
	for name, audience := range g.IDTokens {
		token, err := g.Sign(g.claims(audience))
		if err != nil {
			return nil, err
		}
		vars = append(vars, name+"="+token.Reveal())
	}
	slices.Sort(vars)
	return vars, nil
}

// claims are those of a push to a branch. GitLab's numbers and booleans are strings, nbf is five seconds before iat,
// and exp is the job's time limit, an hour by default.
func (g *GitLab) claims(audience any) map[string]any {
	now := g.Now()
	return merged(map[string]any{
		"jti":                   uuid(),
		"sub":                   "project_path:acme/app:ref_type:branch:ref:main",
		"aud":                   audience,
		"ci_config_ref_uri":     "gitlab.example.com/acme/app//.gitlab-ci.yml@refs/heads/main",
		"ci_config_sha":         "714a629c0b401fdce83e847fc9589983fc6f46bc",
		"deployment_tier":       "production",
		"environment":           "release",
		"environment_protected": "true",
		"job_id":                "302",
		"namespace_id":          "72",
		"namespace_path":        "acme",
		"pipeline_id":           "574",
		"pipeline_source":       "push",
		"project_id":            "20",
		"project_path":          "acme/app",
		"project_visibility":    "private",
		"ref":                   "main",
		"ref_path":              "refs/heads/main",
		"ref_protected":         "true",
		"ref_type":              "branch",
		"runner_environment":    "gitlab-hosted",
		"runner_id":             1,
		"sha":                   "714a629c0b401fdce83e847fc9589983fc6f46bc",
		"user_id":               "1",
		"user_login":            "sample-user",
		"iat":                   now.Unix(),
		"nbf":                   now.Add(-5 * time.Second).Unix(),
		"exp":                   now.Add(time.Hour).Unix(),
	}, g.Claims)
}
