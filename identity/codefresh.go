package identity

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
)

// codefreshToken asks Codefresh, as its step obtain-oidc-id-token does. A comma in the audience would ask for a token
// for several, which any of them could show to the others.
// https://github.com/codefresh-io/steps/tree/master/incubating/obtain-oidc-id-token
func codefreshToken(ctx context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	const urlVar, passwordVar = "CF_OIDC_REQUEST_URL", "CF_OIDC_REQUEST_TOKEN"
	switch {
	case !ci.Codefresh.Detect(env):
		err := regpass.NoIdentityf("this is not a step of Codefresh, or its variables are not passed on")
		return regpass.Secret{}, regpass.Hintf(err, "in a container that the step starts itself, pass on %s and %s",
			urlVar, passwordVar)
	case env.Getenv(urlVar) == "" || env.Getenv(passwordVar) == "":
		err := regpass.NoIdentityf("this step may not ask for an ID token: %s and %s are not both set", urlVar, passwordVar)
		return regpass.Secret{}, regpass.Hintf(err, "run regpass in a step of this kind:\n%s", codefreshSetup(audience))
	case strings.Contains(audience, ","):
		err := regpass.NoIdentityf("Codefresh takes %s for more than one audience", regpass.Quote(audience))
		return regpass.Secret{}, regpass.Hintf(err, "use an API key for this registry")
	}
	u, password, err := tokenService(env, urlVar, passwordVar)
	if err != nil {
		return regpass.Secret{}, err
	}
	query := u.Query()
	query.Set("audience", audience)
	u.RawQuery = query.Encode()
	return askForToken(ctx, env, "id_token", regpass.Request{
		Method: http.MethodGet, URL: u,
		Keys: map[string]regpass.Secret{"Authorization": password}, // without a scheme
	})
}

func codefreshSetup(audience string) string {
	const format = "type: freestyle  # regpass itself asks for the ID token for %s"
	return fmt.Sprintf(format, regpass.Quote(audience))
}
