package ci

// Spacelift is the CI system of that name. Its subject names the space and the stack, by a template that an account may
// change.
// https://docs.spacelift.io/concepts/configuration/environment
// https://docs.spacelift.io/integrations/cloud-providers/oidc
var Spacelift = System{
	Name: "spacelift", Title: "Spacelift",
	Flag:        Flag{"TF_VAR_spacelift_run_id", ""},
	Job:         Job{IDs: []string{"TF_VAR_spacelift_run_id"}},
	Tokens:      OneToken,
	AudienceOf:  "SPACELIFT_OIDC_TOKEN",
	OwnAudience: true,
	Claims:      []string{"sub", "spaceId", "callerType", "callerId", "runType", "scope"},
	IssuerPer:   "account",
}
