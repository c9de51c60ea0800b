package registry

import (
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// lasting are the claims that stay with an owner: a name can be given up and taken by somebody else, an id cannot.
var lasting = []string{"repository_id", "repository_owner_id", "project_id", "namespace_id", "organization_id",
	"pipeline_id", "oidc.circleci.com/project-id", "workspaceUuid", "repositoryUuid", "app_slug"}

// TrustClaims are claims that Trust of some row reads and that no CI system's own list has to have.
func TrustClaims() []string { return append(slices.Clone(lasting), "ci_config_ref_uri") }

// telling are the claims that let in this job and only it, for registries that compare any claim: the subject and the
// ids of what it names.
func (j Job) telling() []Claim {
	names := []string{"sub"}
	switch {
	case j.passing():
		names = []string{"organization_slug", "pipeline_slug", "build_branch", "branchName"}
	case j.Claim("sub") == "": // nothing short of all other claims is this job's alone
		return j.Claims
	}
	var all []Claim
	for _, name := range append(names, lasting...) {
		if v := j.Claim(name); v != "" {
			all = append(all, Claim{name, v})
		}
	}
	return all
}

// passing reports whether the subject is of this run alone: Buildkite's names the commit
// (https://buildkite.com/docs/agent/v3/cli-oidc), Bitbucket's the run of the step
// (https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc/).
func (j Job) passing() bool {
	return j.Issuer == "https://agent.buildkite.com" || strings.HasPrefix(j.Issuer, "https://api.bitbucket.org/")
}

// bySubject refuses to describe a job for a registry that compares issuer, audience and subject alone, if every build
// of that issuer writes into sub what it likes, as Bitrise's do
// (https://docs.bitrise.io/en/bitrise-platform/integrations/oidc-authentication/oidc-authentication-overview.html).
func (j Job) bySubject(row string) error {
	if j.Issuer != "https://token.builds.bitrise.io" {
		return nil
	}
	err := regpass.Usagef("%s: the registry compares no claim but the subject, which any build at Bitrise, of anybody's "+
		"app, may choose", row)
	return regpass.Hintf(err, "use a key for this registry")
}

// withoutStar refuses to describe a job by claims of which one holds a *, for a registry that takes it for any text.
func withoutStar(row string, claims []Claim) error {
	for _, c := range claims {
		if strings.Contains(c.Value, "*") {
			return regpass.Usagef("%s: the claim %s holds a *, which the registry takes for any text", row, c.Name)
		}
	}
	return nil
}

// passingNote warns that a registry which compares nothing but the subject takes a passing one once.
const passingNote = "The subject of this CI system changes with every run, and this registry compares it as a whole: " +
	"let the CI system put another claim into sub, or use a key."

// claimMap are claims as an object of JSON.
func claimMap(claims []Claim) map[string]string {
	all := map[string]string{}
	for _, c := range claims {
		all[c.Name] = c.Value
	}
	return all
}

// claimFields are claims as fields of a form.
func claimFields(claims []Claim) []Field {
	var all []Field
	for _, c := range claims {
		all = append(all, Field{"claim " + c.Name, c.Value})
	}
	return all
}
