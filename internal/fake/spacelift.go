package fake

import "time"

// SpaceliftAudience is the audience of the fake's tokens: the host of its account.
const SpaceliftAudience = "acme.app.spacelift.io"

// Spacelift is a run of Spacelift. Its one ID token is made when it begins
// (https://docs.spacelift.io/integrations/cloud-providers/oidc).
type Spacelift struct {
	*Issuer
	// Claims replace those of the run; one that is nil is left out.
	Claims map[string]any
}

// Environ lists the variables of the run, NAME=value.
func (s *Spacelift) Environ() ([]string, error) {
	const run = "01JKZAHVAQHFM8CC3EA5HWRMP1"
	token, err := s.Sign(s.claims(run))
	if err != nil {
		return nil, err
	}
	return []string{
		"SPACELIFT_OIDC_TOKEN=" + token.Reveal(),
		"TF_VAR_spacelift_account_name=acme",
		"TF_VAR_spacelift_commit_branch=main",
		"TF_VAR_spacelift_repository=acme/app",
		"TF_VAR_spacelift_run_id=" + run,
	}, nil
}

// claims are those of a tracked run. A token lives an hour.
func (s *Spacelift) claims(run string) map[string]any {
	now := s.Now()
	return merged(map[string]any{
		"sub":        "space:root:stack:app:run_type:TRACKED:scope:write",
		"jti":        uuid(),
		"aud":        SpaceliftAudience,
		"spaceId":    "root",
		"callerType": "stack",
		"callerId":   "app",
		"runType":    "TRACKED",
		"runId":      run,
		"scope":      "write",
		"iat":        now.Unix(),
		"nbf":        now.Unix(),
		"exp":        now.Add(time.Hour).Unix(),
	}, s.Claims)
}
