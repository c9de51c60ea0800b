// Package identity answers who this job is: it finds the CI system that surrounds the program and takes from it an
// OpenID Connect ID token (OpenID Connect Core 1.0, section 2) made for one audience.
//
// There are three answers, not two: not here; here but broken, and this is what to do; here it is. What is broken is
// never passed over for the next provider.
package identity

import (
	"context"
	"strings"

	"github.com/regpass/regpass"
)

// Provider is one way to get an ID token. Adding a CI system is one file with its Token and Setup, and one row.
type Provider struct {
	Name  string // value of --provider: "github"
	Title string // what its users call it: "GitHub Actions"
	Doc   string // where the token comes from, in one line for help

	// Here reports whether the surroundings are this provider's. It looks at variables only.
	Here func(env *regpass.Env, audience string) bool
	// Token gets the raw ID token, unchecked. An error means here but broken: regpass.ErrNoIdentity with a hint where
	// the job is set up wrongly, any other where the service behind it could not be reached or refused.
	Token func(ctx context.Context, env *regpass.Env, audience string) (regpass.Secret, error)
	// Mints says that every call of Token gives a new token, so that a retry need not repeat one.
	Mints bool
	// Claims are the claims that trust policies match on, in the order to show them.
	Claims []string
	// Setup is what to add to the workflow, in its own syntax, without a newline at the end.
	Setup func(audience string) string
}

// Providers are tried from first to last: what somebody set on purpose beats what the surroundings offer.
var Providers = []Provider{
	{
		Name: "variable", Title: "a variable", Doc: "an ID token in <AUDIENCE>_ID_TOKEN or REGPASS_ID_TOKEN, on any CI",
		Here: variableHere, Token: variableToken, Claims: []string{"sub"}, Setup: variableSetup,
	},
	{
		Name: "file", Title: "a file", Doc: "an ID token in the file that REGPASS_ID_TOKEN_FILE names, read anew each time",
		Here: set("REGPASS_ID_TOKEN_FILE"), Token: fileToken, Claims: []string{"sub"}, Setup: fileSetup,
	},
	{
		Name: "command", Title: "a command", Doc: "the output of REGPASS_ID_TOKEN_COMMAND, run by the shell with REGPASS_AUDIENCE set",
		Here: set("REGPASS_ID_TOKEN_COMMAND"), Token: commandToken, Mints: true, Claims: []string{"sub"}, Setup: commandSetup,
	},
	{
		Name: "github", Title: "GitHub Actions", Doc: "the runner's token service, which jobs with `id-token: write` may ask",
		Here: isTrue("GITHUB_ACTIONS"), Token: githubToken, Mints: true, Setup: githubSetup,
		Claims: []string{"sub", "repository", "repository_owner", "ref", "workflow_ref", "job_workflow_ref", "environment", "event_name"},
	},
	{
		Name: "gitlab", Title: "GitLab CI/CD", Doc: "the variable <AUDIENCE>_ID_TOKEN, which the job's `id_tokens` entry asks for",
		Here: isTrue("GITLAB_CI"), Token: gitlabToken, Setup: gitlabSetup,
		Claims: []string{"sub", "project_path", "namespace_path", "ref", "ref_type", "environment", "pipeline_source"},
	},
	{
		Name: "buildkite", Title: "Buildkite", Doc: "`buildkite-agent oidc request-token`, which every job may run",
		Here: isTrue("BUILDKITE"), Token: buildkiteToken, Mints: true, Setup: buildkiteSetup,
		Claims: []string{"sub", "organization_slug", "pipeline_slug", "build_branch", "build_tag", "step_key"},
	},
	{
		Name: "circleci", Title: "CircleCI", Doc: "`circleci run oidc get`, whose issuer is https://oidc.circleci.com for all organizations",
		Here: isTrue("CIRCLECI"), Token: circleciToken, Mints: true, Setup: circleciSetup,
		Claims: []string{"sub", "oidc.circleci.com/org-id", "oidc.circleci.com/project-id", "oidc.circleci.com/vcs-origin", "oidc.circleci.com/vcs-ref"},
	},
	{
		Name: "bitbucket", Title: "Bitbucket Pipelines", Doc: "the variable BITBUCKET_STEP_OIDC_TOKEN, which the step's `oidc` entry asks for",
		Here: set("BITBUCKET_BUILD_NUMBER"), Token: bitbucketToken, Setup: bitbucketSetup,
		Claims: []string{"sub", "workspaceUuid", "repositoryUuid", "branchName", "deploymentEnvironmentUuid"},
	},
}

// Find returns the provider of that name; an unknown one is regpass.ErrUsage.
func Find(name string) (Provider, error) {
	var known []string
	for _, p := range Providers {
		if p.Name == name {
			return p, nil
		}
		known = append(known, p.Name)
	}
	return Provider{}, regpass.Usagef("identity: unknown provider %s; there are %s", regpass.Quote(name), strings.Join(known, ", "))
}

// Detect returns the first provider whose surroundings these are. Its Get may still fail, and that is the answer.
func Detect(env *regpass.Env, audience string) (Provider, bool) {
	for _, p := range Providers {
		if p.Here(env, audience) {
			return p, true
		}
	}
	return Provider{}, false
}

// isTrue is Here for a CI system that sets name to "true".
func isTrue(name string) func(*regpass.Env, string) bool {
	return func(env *regpass.Env, _ string) bool { return env.Getenv(name) == "true" }
}

// set is Here for a variable that somebody sets on purpose.
func set(name string) func(*regpass.Env, string) bool {
	return func(env *regpass.Env, _ string) bool { return env.Getenv(name) != "" }
}
