package ci

// Buildkite is the CI system of that name.
// https://buildkite.com/docs/pipelines/configure/environment-variables
// https://buildkite.com/docs/agent/cli/reference/oidc
var Buildkite = System{
	Name: "buildkite", Title: "Buildkite",
	Flag:   Flag{"BUILDKITE", "true"},
	Job:    Job{IDs: []string{"BUILDKITE_JOB_ID"}},
	Tokens: AnyAudience,
	Claims: []string{"sub", "organization_slug", "pipeline_slug", "build_branch", "build_tag", "step_key"},
	Issuer: "https://agent.buildkite.com",
	Owners: []Owner{
		{"organization_id", whole},
		{"organization_slug", whole},
		{"pipeline_id", whole},
		{"sub", `^organization:[^*:]+:`},
	},
	Repository: "ORGANIZATION/PIPELINE",
	// The subject holds the commit and the step.
	Doubt: "The sub of a job of Buildkite holds the commit and the step: `regpass trust` in the job prints it.",
	Shape: []Shape{
		{"organization_slug", "$owner"},
		{"pipeline_slug", "$name"},
		{"build_branch", "$ref"},
	},
}
