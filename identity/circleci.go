package identity

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
)

// circleciToken has CircleCI's program ask for a token. The variables CIRCLE_OIDC_TOKEN and CIRCLE_OIDC_TOKEN_V2 are
// useless here: their audience is the organization's id. Registries know the issuer that all organizations share, which
// id and ambient-id ask for too, hence --root-issuer.
// https://circleci.com/docs/guides/permissions-authentication/oidc-tokens-with-custom-claims/
func circleciToken(ctx context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	if !ci.CircleCI.Detect(env) {
		err := regpass.NoIdentityf("this is no job of CircleCI, or its variables are not passed on to here")
		return regpass.Secret{}, regpass.Hintf(err,
			"in a container that the job starts itself there is no way to an ID token: run regpass outside of it")
	}
	claims, err := json.Marshal(map[string]string{"aud": audience})
	if err != nil {
		return regpass.Secret{}, err
	}
	token, err := printed(ctx, env, program{
		title: "`circleci run oidc get`", absent: "circleci did not start",
		name: "circleci", args: []string{"run", "oidc", "get", "--root-issuer", "--claims", string(claims)},
	})
	return token, regpass.Hintf(err, "this must print a token in the job:\n%s\n%s", circleciSetup(audience),
		"a pull request from a fork gets none, unless the project passes secrets to them")
}

func circleciSetup(audience string) string {
	const format = `circleci run oidc get --root-issuer --claims '{"aud":%s}'  # regpass runs it: nothing to add`
	return fmt.Sprintf(format, regpass.Quote(audience))
}
