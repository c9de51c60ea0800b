package identity

import (
	"context"
	"fmt"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
)

// buildkiteToken has the agent ask for a token; it tries again by itself, and hides the token in the job's log.
// https://buildkite.com/docs/agent/v3/cli-oidc
func buildkiteToken(ctx context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	if !ci.Buildkite.Detect(env) {
		err := regpass.NoIdentityf("this is no job of Buildkite, or its variables are not passed on to here")
		return regpass.Secret{}, regpass.Hintf(err, "%s", buildkitePassOn)
	}
	token, err := printed(ctx, env, program{
		title: "`buildkite-agent oidc request-token`", absent: "buildkite-agent did not start",
		name: "buildkite-agent", args: []string{"oidc", "request-token", "--audience", audience},
	})
	return token, regpass.Hintf(err, "this must print a token in the job:\n%s\n%s",
		buildkiteSetup(audience), buildkitePassOn)
}

// buildkitePassOn names the two options of Buildkite's docker plugin that pass on to a container all it needs.
const buildkitePassOn = "in a container that the job starts, pass on the agent and its variables: " +
	"the docker plugin does with propagate-environment and mount-buildkite-agent"

func buildkiteSetup(audience string) string {
	const format = "buildkite-agent oidc request-token --audience %s" +
		"  # regpass runs it: nothing to add but the agent on the PATH"
	return fmt.Sprintf(format, regpass.Quote(audience))
}
