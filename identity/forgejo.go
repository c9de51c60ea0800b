package identity

import (
	"context"
	"fmt"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
)

// forgejoToken asks the instance, by the protocol of GitHub's runners.
// https://forgejo.org/docs/latest/user/actions/security-openid-connect/
func forgejoToken(ctx context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	return actionsToken(ctx, env, audience, forgejoMissing)
}

func forgejoSetup(audience string) string {
	const format = "enable-openid-connect: true  # to ask for an ID token for %s; needs Forgejo 15 and runner 12.5"
	return fmt.Sprintf(format, regpass.Quote(audience))
}

// forgejoMissing explains why the instance offers no token service to this job. `permissions: id-token`, which GitHub
// wants, has no effect here.
func forgejoMissing(env *regpass.Env, audience string) error {
	const variables = actionsURL + " and " + actionsPassword
	switch {
	case !ci.Forgejo.Detect(env):
		err := regpass.NoIdentityf("this is not a job of Forgejo Actions, or its variables are not passed on")
		return regpass.Hintf(err, "in a container that the job starts itself, pass on %s", variables)
	case githubFork(env):
		err := regpass.NoIdentityf("Forgejo gives no ID token to a pull request from a fork")
		return regpass.Hintf(err, "leave this step out for forks, or let the job go on with --if-unavailable skip")
	}
	err := regpass.NoIdentityf("this job may not ask for an ID token: %s are not both set", variables)
	return regpass.Hintf(err, "add to the job, or to the whole workflow:\n%s\n"+
		"in a container that the job starts itself, also pass on %s", forgejoSetup(audience), variables)
}
