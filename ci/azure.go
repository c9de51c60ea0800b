package ci

// Azure is Azure Pipelines. All its ID tokens are for one audience, that of Entra ID: a registry that gets one could
// show it there, so only those get one that ask for this audience or that the user named.
// https://learn.microsoft.com/en-us/azure/devops/pipelines/build/variables
// https://learn.microsoft.com/en-us/rest/api/azure/devops/distributedtask/oidctoken/create
var Azure = System{
	Name: "azure", Title: "Azure Pipelines",
	Flag: Flag{"TF_BUILD", ""},
	Job: Job{
		IDs:  []string{"SYSTEM_COLLECTIONURI", "BUILD_BUILDID", "SYSTEM_JOBID"},
		Temp: "AGENT_TEMPDIRECTORY",
	},
	Tokens:     AnyTime,
	Audience:   "api://AzureADTokenExchange",
	Claims:     []string{"sub", "org_id", "prj_id", "def_id", "rpo_id", "rpo_ref"},
	IssuerPer:  "organization",
	Repository: "ORGANIZATION/PROJECT/PIPELINE",
	// With a service connection sub is sc://ORGANIZATION/PROJECT/CONNECTION instead, and there is no rpo_ref.
	Shape: []Shape{
		{"sub", "p://$repository"},
		{"rpo_ref", "refs/heads/$ref"},
	},
}
