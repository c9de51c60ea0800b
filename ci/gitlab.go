package ci

// GitLab is GitLab CI/CD. The issuer is that of gitlab.com; a self-managed instance is its own issuer.
// https://docs.gitlab.com/ci/variables/predefined_variables/
// https://docs.gitlab.com/ci/secrets/id_token_authentication/
var GitLab = System{
	Name: "gitlab", Title: "GitLab CI/CD",
	Flag: Flag{"GITLAB_CI", "true"},
	Job: Job{
		// The runner's own folder beside the checkout may lie on a volume that jobs share. Job ids are consecutive
		// numbers; with the job's token in the hash, no earlier job can have made the folder.
		IDs:  []string{"CI_SERVER_URL", "CI_JOB_ID", "CI_JOB_TOKEN"},
		Temp: "CI_PROJECT_DIR", Suffix: ".tmp",
	},
	Tokens: DeclaredAudiences,
	Claims: []string{"sub", "project_path", "namespace_path", "ref", "ref_type", "environment", "pipeline_source"},
	Issuer: "https://gitlab.com",
	Owners: []Owner{
		{"namespace_id", whole},
		{"namespace_path", root},
		{"project_id", whole},
		{"project_path", parent},
		{"sub", `^project_path:[^*/]+/`},
	},
	Repository: "GROUP/PROJECT",
	Shape: []Shape{
		{"sub", "project_path:$repository:ref_type:branch:ref:$ref"},
		{"project_path", "$repository"},
		{"namespace_path", "$owner"},
		{"ref_type", "branch"},
		{"ref", "$ref"},
	},
	Given: []Shape{
		{"environment", "$environment"},
		{"ci_config_ref_uri", "gitlab.com/$repository//$workflow@refs/heads/$ref"},
	},
}
