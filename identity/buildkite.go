package identity

import (
	"context"
	"fmt"

	"github.com/regpass/regpass"
)

// buildkiteToken has the agent ask for a token; it tries again by itself, and hides the token in the job's log.
// https://buildkite.com/docs/agent/v3/cli-oidc
func buildkiteToken(ctx context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	if env.Getenv("BUILDKITE") != "true" {
		err := regpass.NoIdentityf("this is no job of Buildkite, or its variables are not passed on to here")
		return regpass.Secret{}, regpass.Hintf(err, "%s", buildkitePassOn)
	}
	token, err := output(ctx, env, "`buildkite-agent oidc request-token`", "buildkite-agent did not start", nil,
		"buildkite-agent", "oidc", "request-token", "--audience", audience)
	return token, regpass.Hintf(err, "this must print a token in the job:\n%s\n%s", buildkiteSetup(audience), buildkitePassOn)
}

// buildkitePassOn is what a container lacks; Buildkite's docker plugin has these two options for it.
const buildkitePassOn = "in a container that the job starts, pass on the agent and its variables: the docker plugin does with propagate-environment and mount-buildkite-agent"

func buildkiteSetup(audience string) string {
	return fmt.Sprintf("buildkite-agent oidc request-token --audience %s  # regpass runs it: nothing to add but the agent on the PATH", regpass.Quote(audience))
}
