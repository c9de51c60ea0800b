// Package identity answers "who is this job?": it finds the CI system of the job, otherwise the cluster or the cloud
// that it runs in, and gets from it an OpenID Connect ID token (OpenID Connect Core 1.0, section 2) for one audience.
//
// There are three answers: the provider does not apply here; it applies but is broken; it has a token. A broken
// provider is an error whose hint says how to mend it, and the next provider is not tried.
package identity

import (
	"cmp"
	"context"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
)

// Provider is one way to get an ID token. It is one file with its Token and Setup, and one row; all other facts about a
// CI system come from its row in ci.Systems.
type Provider struct {
	Name  string // value of --provider: "github"
	Title string // as its users write it: "GitHub Actions"
	Doc   string // where the token comes from, in one line for help
	// Proven says what stood on the other side in the tests, as in registry.Row.
	Proven string

	// Detect reports whether this provider applies here. It looks at variables, at what the firmware says and at files of
	// the machine, and asks nobody.
	Detect func(env *regpass.Env, audience string) bool
	// Token gets the raw ID token, unchecked. An error means that the provider is broken: regpass.ErrNoIdentity with a
	// hint if the job is set up wrongly, any other error if the service behind it could not be reached or refused.
	Token func(ctx context.Context, env *regpass.Env, audience string) (regpass.Secret, error)
	// Reusable says that Token may return the same token at each call.
	Reusable bool
	// Audience is the only audience of the tokens, with $NAME for the value of a variable, or empty if the caller
	// chooses.
	Audience string
	// OwnAudience says that Audience is no name of a service that takes the token from whoever has it.
	OwnAudience bool
	// NoIssuer says that the tokens may lack iss: who takes them knows the issuer by other means.
	NoIssuer bool
	// Machine says that the tokens tell who the machine is, whoever works at it.
	Machine bool
	// AudienceOf is the variable that holds the only token, if nothing else says its only audience.
	AudienceOf string
	// Claims are the claims that trust policies match on, in the order to show them.
	Claims []string
	// Setup returns the lines to add to the workflow, in its own syntax, without a newline at the end.
	Setup func(audience string) string
}

// Providers are tried from first to last: what the user set on purpose, the CI system, and last what the job runs in. A
// runner's pod or machine serves many jobs, so its identity must not stand in for that of a job.
var Providers = []Provider{
	{
		Name: "variable", Title: "a variable", Proven: "`regpass serve`",
		Doc:    "an ID token in <AUDIENCE>_ID_TOKEN or REGPASS_ID_TOKEN, on any CI",
		Detect: detectVariable, Token: variableToken, Reusable: true, Claims: []string{"sub"}, Setup: variableSetup,
	},
	{
		Name: "file", Proven: "`regpass serve`", Title: "a file",
		Doc:    "an ID token in the file that REGPASS_ID_TOKEN_FILE names, read anew each time",
		Detect: isSet("REGPASS_ID_TOKEN_FILE"), Token: fileToken, Reusable: true, Claims: []string{"sub"},
		Setup: fileSetup,
	},
	{
		Name: "command", Proven: "`regpass serve`", Title: "a command",
		Doc:    "the output of REGPASS_ID_TOKEN_COMMAND, run by the shell with REGPASS_AUDIENCE set",
		Detect: isSet("REGPASS_ID_TOKEN_COMMAND"), Token: commandToken, Claims: []string{"sub"}, Setup: commandSetup,
	},
	onCI(ci.Forgejo, Provider{
		Doc:   "the instance's token service, which jobs with `enable-openid-connect: true` may ask",
		Token: forgejoToken, Setup: forgejoSetup,
	}),
	onCI(ci.Gitea, Provider{
		Proven: "a strict fake of a proposal",
		Doc:    "the instance's token service, as proposed for Gitea; no released version has it yet (unproven)",
		Token:  giteaToken, Setup: giteaSetup,
	}),
	onCI(ci.GitHub, Provider{
		Proven: "act; a strict fake",
		Doc:    "the runner's token service, which jobs with `id-token: write` may ask",
		Token:  githubToken, Setup: githubSetup,
	}),
	onCI(ci.GitLab, Provider{
		Proven: "gitlab-ci-local; a strict fake",
		Doc:    "the variable <AUDIENCE>_ID_TOKEN, which the job's `id_tokens` entry asks for",
		Token:  gitlabToken, Reusable: true, Setup: gitlabSetup,
	}),
	onCI(ci.Buildkite, Provider{
		Doc:   "`buildkite-agent oidc request-token`, which every job may run",
		Token: buildkiteToken, Setup: buildkiteSetup,
	}),
	onCI(ci.CircleCI, Provider{
		Doc:   "`circleci run oidc get`, whose issuer is https://oidc.circleci.com for all organizations",
		Token: circleciToken, Setup: circleciSetup,
	}),
	onCI(ci.Azure, Provider{
		Doc:   "the organization's token service, which steps with SYSTEM_ACCESSTOKEN may ask; its audience is Entra ID's",
		Token: azureToken, Setup: azureSetup,
	}),
	onCI(ci.Bitbucket, Provider{
		Doc:   "the variable BITBUCKET_STEP_OIDC_TOKEN, which the step's `oidc` entry asks for",
		Token: bitbucketToken, Reusable: true, Setup: bitbucketSetup,
	}),
	onCI(ci.Codefresh, Provider{
		Doc:   "Codefresh's token service, which every step may ask",
		Token: codefreshToken, Setup: codefreshSetup,
	}),
	onCI(ci.Bitrise, Provider{
		Doc:   "Bitrise's token service, which every build may ask",
		Token: bitriseToken, Setup: bitriseSetup,
	}),
	onCI(ci.Semaphore, Provider{
		Doc:   "the variable SEMAPHORE_OIDC_TOKEN of every job, whose audience is the organization's URL",
		Token: semaphoreToken, Reusable: true, Setup: semaphoreSetup,
	}),
	onCI(ci.HCP, Provider{
		Doc: "the variable TFC_WORKLOAD_IDENTITY_TOKEN_<AUDIENCE> or TFC_WORKLOAD_IDENTITY_TOKEN, " +
			"which the workspace asks for",
		Token: hcpToken, Reusable: true, Setup: hcpSetup,
	}),
	onCI(ci.Spacelift, Provider{
		Doc:   "the variable SPACELIFT_OIDC_TOKEN of every run, whose audience is the account's host",
		Token: spaceliftToken, Reusable: true, Setup: spaceliftSetup,
	}),
	{
		Name: "kubernetes", Proven: "a strict fake", Title: "Kubernetes",
		Doc:    "a pod's service account token, where AWS or Azure have it or in " + kubernetesFolder,
		Detect: detectKubernetes, Token: kubernetesToken, Reusable: true, Claims: []string{"sub"},
		Setup: kubernetesSetup,
	},
	{
		Name: "spiffe", Title: "SPIFFE", Proven: "a Workload API server of the tests",
		Doc:    "a JWT-SVID of the agent at SPIFFE_ENDPOINT_SOCKET",
		Detect: isSet(spiffeVar), Token: spiffeToken, NoIssuer: true, Claims: []string{"sub"}, Setup: spiffeSetup,
	},
	{
		Name: "aws", Title: "AWS", Proven: "AWS's SDK, with a strict fake",
		Doc:    "`sts:GetWebIdentityToken`, with AWS keys or the machine's role",
		Detect: detectAWS, Token: awsToken, Machine: true, Claims: []string{"sub"}, Setup: awsSetup,
	},
	{
		Name: ci.Google.Name, Proven: "a strict fake", Title: ci.Google.Title,
		Doc:    "the metadata server of the machine, which asks for its service account",
		Detect: detectGoogle, Token: googleToken, Machine: true, Claims: ci.Google.Claims, Setup: googleSetup,
	},
}

// onCI fills in the facts from the table of CI systems.
func onCI(s ci.System, p Provider) Provider {
	p.Name, p.Title, p.Claims = s.Name, s.Title, s.Claims
	p.Proven = cmp.Or(p.Proven, "a strict fake")
	p.Audience, p.OwnAudience, p.AudienceOf = s.Audience, s.OwnAudience, s.AudienceOf
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
