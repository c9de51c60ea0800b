package ci

// CircleCI is the CI system of that name. Registries know the issuer that all its organizations share, and its jobs can
// ask for tokens of that issuer. Of a repository's name the claims hold only the origin, for which every organization
// can make a project if the repository is public: a trust policy needs the ids too.
// https://circleci.com/docs/reference/variables/
// https://circleci.com/docs/guides/permissions-authentication/openid-connect-tokens/
var CircleCI = System{
	Name: "circleci", Title: "CircleCI",
	Flag:   Flag{"CIRCLECI", "true"},
	Job:    Job{IDs: []string{"CIRCLE_WORKFLOW_JOB_ID", "CIRCLE_NODE_INDEX"}},
	Tokens: AnyAudience,
	Claims: []string{
		"sub", "oidc.circleci.com/org-id", "oidc.circleci.com/project-id", "oidc.circleci.com/vcs-origin",
		"oidc.circleci.com/vcs-ref",
	},
	Issuer: "https://oidc.circleci.com",
	Owners: []Owner{
		{"oidc.circleci.com/org-id", whole},
		{"oidc.circleci.com/project-id", whole},
		{"sub", `^org/[^*/]+/`},
	},
}
