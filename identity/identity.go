// Package identity answers "who is this job?": it finds the CI system of the job and gets from it an OpenID Connect ID
// token (OpenID Connect Core 1.0, section 2) for one audience.
//
// There are three answers: the provider does not apply here; it applies but is broken; it has a token. A broken
// provider is an error whose hint says how to mend it, and the next provider is not tried.
package identity

import (
	"context"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
)

// Provider is one way to get an ID token. A CI system is one file with its Token and Setup, and one row; all other
// facts about it come from its row in ci.Systems.
type Provider struct {
	Name  string // value of --provider: "github"
	Title string // as its users write it: "GitHub Actions"
	Doc   string // where the token comes from, in one line for help

	// Detect reports whether this provider applies here. It looks at variables only.
	Detect func(env *regpass.Env, audience string) bool
	// Token gets the raw ID token, unchecked. An error means that the provider is broken: regpass.ErrNoIdentity with a
	// hint if the job is set up wrongly, any other error if the service behind it could not be reached or refused.
	Token func(ctx context.Context, env *regpass.Env, audience string) (regpass.Secret, error)
	// Reusable says that Token may return the same token at each call.
	Reusable bool
	// Audience is the only audience of the tokens, with $NAME for the value of a variable, or empty if the caller
	// chooses.
	Audience string
	// Claims are the claims that trust policies match on, in the order to show them.
	Claims []string
	// Setup returns the lines to add to the workflow, in its own syntax, without a newline at the end.
	Setup func(audience string) string
}

// Providers are tried from first to last: a variable that the user set on purpose comes before the CI system, and that
// before the cloud that the job happens to run in.
var Providers = []Provider{
	{
		Name: "variable", Title: "a variable", Doc: "an ID token in <AUDIENCE>_ID_TOKEN or REGPASS_ID_TOKEN, on any CI",
		Detect: detectVariable, Token: variableToken, Reusable: true, Claims: []string{"sub"}, Setup: variableSetup,
	},
	{
		Name: "file", Title: "a file",
		Doc:    "an ID token in the file that REGPASS_ID_TOKEN_FILE names, read anew each time",
		Detect: isSet("REGPASS_ID_TOKEN_FILE"), Token: fileToken, Reusable: true, Claims: []string{"sub"},
		Setup: fileSetup,
	},
	{
		Name: "command", Title: "a command",
		Doc:    "the output of REGPASS_ID_TOKEN_COMMAND, run by the shell with REGPASS_AUDIENCE set",
		Detect: isSet("REGPASS_ID_TOKEN_COMMAND"), Token: commandToken, Claims: []string{"sub"}, Setup: commandSetup,
	},
	onCI(ci.GitHub, Provider{
		Doc:   "the runner's token service, which jobs with `id-token: write` may ask",
		Token: githubToken, Setup: githubSetup,
	}),
	onCI(ci.GitLab, Provider{
		Doc:   "the variable <AUDIENCE>_ID_TOKEN, which the job's `id_tokens` entry asks for",
		Token: gitlabToken, Reusable: true, Setup: gitlabSetup,
	}),
	onCI(ci.Buildkite, Provider{
		Doc:   "`buildkite-agent oidc request-token`, which every job may run",
		Token: buildkiteToken, Setup: buildkiteSetup,
	}),
	onCI(ci.CircleCI, Provider{
		Doc:   "`circleci run oidc get`, whose issuer is https://oidc.circleci.com for all organizations",
		Token: circleciToken, Setup: circleciSetup,
	}),
	onCI(ci.Bitbucket, Provider{
		Doc:   "the variable BITBUCKET_STEP_OIDC_TOKEN, which the step's `oidc` entry asks for",
		Token: bitbucketToken, Reusable: true, Setup: bitbucketSetup,
	}),
	{
		Name: "aws", Title: "AWS", Doc: "`sts:GetWebIdentityToken`, with AWS keys or the machine's role, where nobody is " +
			"at a terminal", Detect: detectAWS, Token: awsToken, Claims: []string{"sub"}, Setup: awsSetup,
	},
}

// onCI fills in the facts from the table of CI systems.
func onCI(s ci.System, p Provider) Provider {
	p.Name, p.Title, p.Audience, p.Claims = s.Name, s.Title, s.Audience, s.Claims
	p.Detect = func(env *regpass.Env, _ string) bool { return s.Detect(env) }
	return p
}

// Find returns the provider of that name. An unknown name is regpass.ErrUsage.
func Find(name string) (Provider, error) {
	return regpass.Pick("provider", name, Providers, func(p Provider) string { return p.Name })
}

// Detect returns the first provider that applies here. If its Get fails, that error is the answer.
func Detect(env *regpass.Env, audience string) (Provider, bool) {
	for _, p := range Providers {
		if p.Detect(env, audience) {
			return p, true
		}
	}
	return Provider{}, false
}

// isSet returns a Detect func that reports whether the variable is not empty.
func isSet(name string) func(*regpass.Env, string) bool {
	return func(env *regpass.Env, _ string) bool { return env.Getenv(name) != "" }
}
