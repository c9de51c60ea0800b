package identity

import (
	"context"
	"fmt"

	"github.com/regpass/regpass"
)

// gitlabToken reads the token that GitLab made when the job began. No service gives out another one.
// https://docs.gitlab.com/ci/secrets/id_token_authentication/
func gitlabToken(_ context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	names := tokenVariables(audience)
	_, value := env.Lookup(names...)
	if value == "" {
		err := regpass.NoIdentityf("the job has no ID token for %s: %s is not set", regpass.Quote(audience), names[0])
		return regpass.Secret{}, regpass.Hintf(err, "add to the job in .gitlab-ci.yml:\n%s", gitlabSetup(audience))
	}
	return regpass.NewSecret(value), nil
}

func gitlabSetup(audience string) string {
	return fmt.Sprintf("id_tokens:\n  %s:\n    aud: %s", tokenVariables(audience)[0], regpass.Quote(audience))
}
