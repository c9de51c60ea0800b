package identity

import (
	"context"
	"fmt"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
)

// spaceliftToken reads the only token of the run, whose audience is the account's host.
// https://docs.spacelift.io/integrations/cloud-providers/oidc
func spaceliftToken(_ context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	value := env.Getenv(ci.Spacelift.AudienceOf)
	switch {
	case value != "":
		return regpass.NewSecret(value), nil
	case !ci.Spacelift.Detect(env):
		err := regpass.NoIdentityf("this is not a run of Spacelift, or its variables are not passed on")
		return regpass.Secret{}, regpass.Hintf(err, "in a container that the run starts itself, pass on %s",
			ci.Spacelift.AudienceOf)
	}
	err := regpass.NoIdentityf("the run has no ID token: %s is not set", ci.Spacelift.AudienceOf)
	return regpass.Secret{}, regpass.Hintf(err, "Spacelift puts it into every run of a paid account:\n%s",
		spaceliftSetup(audience))
}

func spaceliftSetup(audience string) string {
	const format = "# the account's host must be %s: a run has one token, for one registry; another needs a key"
	return fmt.Sprintf(format, regpass.Quote(audience))
}
