package identity

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
)

// circleciToken asks CircleCI's program for a token. The variables CIRCLE_OIDC_TOKEN and CIRCLE_OIDC_TOKEN_V2 are
// useless here: their audience is the organization's id. --root-issuer, which id and ambient-id pass too, asks for the
// issuer that all organizations share, because registries know that one.
// https://circleci.com/docs/guides/permissions-authentication/oidc-tokens-with-custom-claims/
func circleciToken(ctx context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	if !ci.CircleCI.Detect(env) {
		err := regpass.NoIdentityf("this is not a job of CircleCI, or its variables are not passed on")
		return regpass.Secret{}, regpass.Hintf(err,
			"there is no ID token in a container that the job starts itself: run regpass outside the container")
	}
	claims, err := json.Marshal(map[string]string{"aud": audience})
	if err != nil {
		return regpass.Secret{}, err
	}
	token, err := printedToken(ctx, env, program{
		title: "`circleci run oidc get`", notStarted: "circleci did not start",
		name: "circleci", args: []string{"run", "oidc", "get", "--root-issuer", "--claims", string(claims)},
	})
	return token, regpass.Hintf(err, "in the job, this command must print a token:\n%s\n%s", circleciSetup(audience),
		"a pull request from a fork gets no token, unless the project passes secrets to forks")
}

func circleciSetup(audience string) string {
	const format = `circleci run oidc get --root-issuer --claims '{"aud":%s}'  # run by regpass`
	return fmt.Sprintf(format, regpass.Quote(audience))
}
