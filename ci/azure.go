package ci

// Azure is Azure Pipelines. Its ID tokens are all for Entra ID: a registry that sees one could use it there.
// https://learn.microsoft.com/en-us/azure/devops/pipelines/build/variables
// https://learn.microsoft.com/en-us/rest/api/azure/devops/distributedtask/oidctoken/create
var Azure = System{
	Name: "azure", Title: "Azure Pipelines",
	Flag: Flag{"TF_BUILD", ""},
	Job: Job{
		IDs:  []string{"SYSTEM_COLLECTIONURI", "BUILD_BUILDID", "SYSTEM_JOBID"},
		Temp: "AGENT_TEMPDIRECTORY",
	},
	Tokens:   NoTokens,
	Audience: "api://AzureADTokenExchange",
}
