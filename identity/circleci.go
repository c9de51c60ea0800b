package identity

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/regpass/regpass"
)

// circleciToken has CircleCI's program ask for a token. The variables CIRCLE_OIDC_TOKEN and CIRCLE_OIDC_TOKEN_V2 are of
// no use: their audience is the organization's id. Registries know the issuer that all organizations share, as id and
// ambient-id ask for it too, so --root-issuer.
// https://circleci.com/docs/guides/permissions-authentication/oidc-tokens-with-custom-claims/
func circleciToken(ctx context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	if env.Getenv("CIRCLECI") != "true" {
		err := regpass.NoIdentityf("this is no job of CircleCI, or its variables are not passed on to here")
		return regpass.Secret{}, regpass.Hintf(err, "in a container that the job starts itself there is no way to an ID token: run regpass outside of it")
	}
	claims, err := json.Marshal(map[string]string{"aud": audience})
	if err != nil {
		return regpass.Secret{}, err
	}
	token, err := output(ctx, env, "`circleci run oidc get`", "circleci did not start", nil,
		"circleci", "run", "oidc", "get", "--root-issuer", "--claims", string(claims))
	return token, regpass.Hintf(err, "this must print a token in the job:\n%s\na pull request from a fork gets none, unless the project passes secrets to them", circleciSetup(audience))
}

func circleciSetup(audience string) string {
	return fmt.Sprintf(`circleci run oidc get --root-issuer --claims '{"aud":%s}'  # regpass runs it: nothing to add`, regpass.Quote(audience))
}
