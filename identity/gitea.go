package identity

import (
	"context"
	"fmt"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
)

// giteaToken asks the instance, by the protocol of GitHub's runners, as a proposal for Gitea has it; see ci.Gitea.
// https://github.com/go-gitea/gitea/pull/39052
func giteaToken(ctx context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	return actionsToken(ctx, env, audience, giteaMissing)
}

func giteaSetup(audience string) string {
	const format = "permissions:\n  contents: read\n  id-token: write  # to ask for an ID token for %s; " +
		"needs a Gitea that gives them"
	return fmt.Sprintf(format, regpass.Quote(audience))
}

func giteaMissing(env *regpass.Env, audience string) error {
	const variables = actionsURL + " and " + actionsPassword
	if !ci.Gitea.Detect(env) {
		err := regpass.NoIdentityf("this is not a job of Gitea Actions, or its variables are not passed on")
		return regpass.Hintf(err, "in a container that the job starts itself, pass on %s", variables)
	}
	err := regpass.NoIdentityf("this Gitea offers no ID token to the job: %s are not both set", variables)
	return regpass.Hintf(err, "use an API key of the registry, or, if your Gitea gives ID tokens, add to the job:\n%s",
		giteaSetup(audience))
}
