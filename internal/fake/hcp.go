package fake

import (
	"strings"
	"time"
)

// HCP is a phase of a run of HCP Terraform. Its ID tokens are made when it begins
// (https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/manual-generation).
type HCP struct {
	*Issuer
	// Variables are the workspace's environment variables, NAME=value. TFC_WORKLOAD_IDENTITY_AUDIENCE, and the same name
	// with _TAG at the end, ask for a token.
	Variables []string
	// Claims replace those of the run; one that is nil is left out.
	Claims map[string]any
}

// Environ lists the variables of the run, NAME=value.
func (h *HCP) Environ() ([]string, error) {
	const asks, gives = "TFC_WORKLOAD_IDENTITY_AUDIENCE", "TFC_WORKLOAD_IDENTITY_TOKEN"
	vars := append([]string{
		"TFC_RUN_ID=run-uJ7h5cuEb5ndHE2u",
		"TFC_WORKSPACE_NAME=app",
	}, h.Variables...)
	for _, v := range h.Variables {
		name, audience, _ := strings.Cut(v, "=")
		tag, ok := strings.CutPrefix(name, asks)
		if !ok || tag != "" && tag[0] != '_' {
			continue
		}
		token, err := h.Sign(h.claims(audience))
		if err != nil {
			return nil, err
		}
		vars = append(vars, gives+tag+"="+token.Reveal())
	}
	return vars, nil
}

func (h *HCP) claims(audience string) map[string]any {
	now := h.Now()
	const workspace = "organization:acme:project:Default Project:workspace:app"
	return merged(map[string]any{
		"sub":                         workspace + ":run_phase:plan",
		"jti":                         uuid(),
		"aud":                         audience,
		"terraform_run_phase":         "plan",
		"terraform_organization_id":   "org-dp9fBBwp5Ljh4rmA",
		"terraform_organization_name": "acme",
		"terraform_project_id":        "prj-vegSA59s1XPwMr2t",
		"terraform_project_name":      "Default Project",
		"terraform_workspace_id":      "ws-mbsd5E3Ktt5Rg2Xm",
		"terraform_workspace_name":    "app",
		"terraform_full_workspace":    workspace,
		"terraform_run_id":            "run-uJ7h5cuEb5ndHE2u",
		"iat":                         now.Unix(),
		"nbf":                         now.Unix(),
		"exp":                         now.Add(time.Hour).Unix(),
	}, h.Claims)
}
