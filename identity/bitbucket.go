package identity

import (
	"context"
	"fmt"

	"github.com/regpass/regpass"
)

// bitbucketToken reads the only token of the step. No service gives out another one.
// https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc/
func bitbucketToken(_ context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	value := env.Getenv("BITBUCKET_STEP_OIDC_TOKEN")
	if value == "" {
		err := regpass.NoIdentityf("the step has no ID token: BITBUCKET_STEP_OIDC_TOKEN is not set")
		err = regpass.Hintf(err, "add to the step in bitbucket-pipelines.yml:\n%s", bitbucketSetup(audience))
		return regpass.Secret{}, err
	}
	return regpass.NewSecret(value), nil
}

func bitbucketSetup(audience string) string {
	const format = "oidc:\n  audiences:\n    - %s  # a step has one token, for one registry; " +
		"another needs a step of its own, or a key"
	return fmt.Sprintf(format, regpass.Quote(audience))
}
