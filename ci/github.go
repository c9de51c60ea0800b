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
		"sub", "repository", "repository_id", "repository_owner", "repository_owner_id", "ref", "workflow_ref",
		"job_workflow_ref", "environment", "event_name",
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
	Repository: ownerAndName,
	// A repository made, renamed or moved since 2026-07-15 has the ids in its subject, which only a job can tell:
	// repo:acme@65/app@74:ref:refs/heads/main. In a job with an environment, that stands there instead of the ref.
	Doubt: "The sub of a repository made, renamed or moved since 2026-07-15 has numbers in it, and that of a job with " +
		"an environment names that instead of the branch: `regpass trust` in the job prints it as it is.",
	Shape: []Shape{
		{"sub", "repo:$repository:ref:refs/heads/$ref"},
		{"repository", "$repository"},
		{"repository_owner", "$owner"},
		{"ref", "refs/heads/$ref"},
	},
	Given: []Shape{
		{"sub", "repo:$repository:environment:$environment"},
		{"environment", "$environment"},
		{"workflow_ref", "$repository/.github/workflows/$file@refs/heads/$ref"},
	},
}
