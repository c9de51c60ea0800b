package ci

// GitHub is GitHub Actions.
// https://docs.github.com/en/actions/reference/workflows-and-actions/variables
// https://docs.github.com/en/actions/reference/security/oidc
var GitHub = System{
	Name: "github", Title: "GitHub Actions",
	Flag: Flag{"GITHUB_ACTIONS", "true"},
	Job: Job{
		IDs:  []string{"GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB", "RUNNER_NAME"},
		Temp: "RUNNER_TEMP",
	},
	Tokens: AnyAudience,
	Claims: []string{
		"sub", "repository", "repository_owner", "ref", "workflow_ref", "job_workflow_ref", "environment", "event_name",
	},
	Shape: []Shape{
		{"sub", "repo:$repository:ref:refs/heads/$ref"},
		{"repository", "$repository"},
		{"repository_owner", "$owner"},
		{"ref", "refs/heads/$ref"},
	},
	Issuer: "https://token.actions.githubusercontent.com",
	Owners: []Owner{
		{"enterprise_id", whole},
		{"repository", parent},
		{"repository_id", whole},
		{"repository_owner", whole},
		{"repository_owner_id", whole},
		{"sub", `^repo:[^*/]+/`},
	},
}
