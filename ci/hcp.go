package ci

// HCP is HCP Terraform, formerly Terraform Cloud, whose issuer serves everyone. A Terraform Enterprise is its own
// issuer. A run has neither repository nor branch among its claims.
// https://developer.hashicorp.com/terraform/cloud-docs/run/run-environment
// https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/workload-identity-tokens
var HCP = System{
	Name: "hcp", Title: "HCP Terraform",
	Flag:   Flag{"TFC_RUN_ID", ""},
	Job:    Job{IDs: []string{"TFC_RUN_ID"}},
	Tokens: DeclaredAudiences,
	Claims: []string{
		"sub", "terraform_organization_id", "terraform_workspace_id", "terraform_full_workspace", "terraform_run_phase",
	},
	Issuer: "https://app.terraform.io",
	Owners: []Owner{
		{"sub", `^organization:[^*:]+:`},
		{"terraform_full_workspace", `^organization:[^*:]+:`},
		{"terraform_organization_id", whole},
		{"terraform_organization_name", whole},
		{"terraform_project_id", whole},
		{"terraform_workspace_id", whole},
	},
}
