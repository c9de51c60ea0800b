package ci

// Bitrise is the CI system of that name. A build may choose the subject of its tokens, so sub names no owner; the names
// of the other claims are unproven.
// https://docs.bitrise.io/en/bitrise-ci/references/available-environment-variables.html
// https://docs.bitrise.io/en/bitrise-platform/integrations/oidc-authentication/oidc-authentication-overview.html
var Bitrise = System{
	Name: "bitrise", Title: "Bitrise",
	Flag:   Flag{"BITRISE_IO", "true"},
	Job:    Job{IDs: []string{"BITRISE_BUILD_SLUG"}},
	Tokens: AnyAudience,
	Claims: []string{"sub", "app_slug", "repository_owner", "repository_slug"},
	Issuer: "https://token.builds.bitrise.io",
	Owners: []Owner{{"app_slug", whole}},
}
