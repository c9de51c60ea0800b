package identity

import (
	"context"
	"fmt"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
)

// semaphoreToken reads the only token of the job, whose audience is the organization's URL.
// https://docs.semaphoreci.com/reference/openid
func semaphoreToken(_ context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	const name = "SEMAPHORE_OIDC_TOKEN"
	value := env.Getenv(name)
	switch {
	case value != "":
		return regpass.NewSecret(value), nil
	case !ci.Semaphore.Detect(env):
		err := regpass.NoIdentityf("this is not a job of Semaphore, or its variables are not passed on")
		return regpass.Secret{}, regpass.Hintf(err, "in a container that the job starts itself, pass on %s", name)
	}
	err := regpass.NoIdentityf("the job has no ID token: %s is not set", name)
	return regpass.Secret{}, regpass.Hintf(err, "Semaphore puts it into every job of an organization whose plan has "+
		"OpenID Connect:\n%s", semaphoreSetup(audience))
}

func semaphoreSetup(audience string) string {
	const format = "# SEMAPHORE_ORGANIZATION_URL must be %s: a job has one token, for one registry; another needs a key"
	return fmt.Sprintf(format, regpass.Quote(audience))
}
