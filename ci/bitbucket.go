package ci

// Bitbucket is Bitbucket Pipelines. Its claims name the repository by its id only.
// https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/
// https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc/
var Bitbucket = System{
	Name: "bitbucket", Title: "Bitbucket Pipelines",
	Flag: Flag{"BITBUCKET_BUILD_NUMBER", ""},
	Job: Job{IDs: []string{
		"BITBUCKET_REPO_UUID", "BITBUCKET_BUILD_NUMBER", "BITBUCKET_STEP_UUID", "BITBUCKET_STEP_RUN_NUMBER",
	}},
	Tokens:    OneToken,
	Claims:    []string{"sub", "workspaceUuid", "repositoryUuid", "branchName", "deploymentEnvironmentUuid"},
	IssuerPer: "workspace",
}
