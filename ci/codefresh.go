package ci

// Codefresh is Codefresh pipelines. The subject begins with the ids of the account and the pipeline, so it cannot be
// told from a repository's name.
// https://codefresh.io/docs/docs/pipelines/variables/
// https://codefresh.io/docs/docs/integrations/oidc-pipelines/
var Codefresh = System{
	Name: "codefresh", Title: "Codefresh",
	Flag:   Flag{"CF_BUILD_ID", ""},
	Job:    Job{IDs: []string{"CF_BUILD_ID"}},
	Tokens: AnyAudience,
	Claims: []string{"sub", "account_id", "account_name", "pipeline_id", "pipeline_name", "scm_repo_url", "scm_ref"},
	Issuer: "https://oidc.codefresh.io",
	Owners: []Owner{
		{"account_id", whole},
		{"account_name", whole},
		{"pipeline_id", whole},
		{"sub", `^account:[^*:]+:`},
	},
}
