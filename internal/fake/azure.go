package fake

// AzurePipelines lists the variables of a job of Azure Pipelines, NAME=value. temp is the agent's folder for the job.
// There is no ID token: those of Azure Pipelines are only for Entra ID.
func AzurePipelines(temp string) []string {
	return []string{
		"AGENT_TEMPDIRECTORY=" + temp,
		"BUILD_BUILDID=7",
		"CI=true",
		"SYSTEM_COLLECTIONURI=https://dev.azure.com/acme/",
		"SYSTEM_JOBID=12f1170f-54f2-53f3-20dd-22fc7dff55f9",
		"TF_BUILD=True",
	}
}
