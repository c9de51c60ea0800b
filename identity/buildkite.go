package identity

import (
	"context"
	"fmt"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
)

// buildkiteToken asks Buildkite's agent for a token. The agent retries by itself, and hides the token in the job's log.
// https://buildkite.com/docs/agent/v3/cli-oidc
//
// The token lives for 300 seconds, whatever the default is: Buildkite's own package registries take none that lives
// longer (https://buildkite.com/docs/package-registries/security/oidc).
func buildkiteToken(ctx context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	if !ci.Buildkite.Detect(env) {
		err := regpass.NoIdentityf("this is not a job of Buildkite, or its variables are not passed on")
		return regpass.Secret{}, regpass.Hintf(err, "%s", buildkitePassOn)
	}
	token, err := printedToken(ctx, env, program{
		title: "`buildkite-agent oidc request-token`", notStarted: "buildkite-agent did not start",
		name: "buildkite-agent", args: []string{"oidc", "request-token", "--audience", audience, "--lifetime", "300"},
	})
	return token, regpass.Hintf(err, "in the job, this command must print a token:\n%s\n%s",
		buildkiteSetup(audience), buildkitePassOn)
}

// buildkitePassOn names the two options of Buildkite's docker plugin that pass on the agent to a container.
const buildkitePassOn = "in a container that the job starts, pass on the agent and its variables: " +
	"the docker plugin does that with propagate-environment and mount-buildkite-agent"

func buildkiteSetup(audience string) string {
	const format = "buildkite-agent oidc request-token --audience %s" +
		"  # run by regpass; the agent must be on the PATH"
	return fmt.Sprintf(format, regpass.Quote(audience))
}
