package identity

import (
	"context"
	"fmt"
	"net/http"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
)

// bitriseToken asks Bitrise, as its step "Get OIDC Identity Token" does.
// https://github.com/bitrise-steplib/bitrise-step-get-identity-token/blob/main/api/client.go
func bitriseToken(ctx context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	const urlVar, passwordVar = "BITRISE_BUILD_URL", "BITRISE_BUILD_API_TOKEN"
	switch {
	case !ci.Bitrise.Detect(env):
		err := regpass.NoIdentityf("this is not a build of Bitrise, or its variables are not passed on")
		return regpass.Secret{}, regpass.Hintf(err, "in a container that the build starts itself, pass on %s and %s",
			urlVar, passwordVar)
	case env.Getenv(urlVar) == "" || env.Getenv(passwordVar) == "":
		err := regpass.NoIdentityf("this build may not ask for an ID token: %s and %s are not both set", urlVar, passwordVar)
		return regpass.Secret{}, regpass.Hintf(err, "run regpass in a step of a build on bitrise.io:\n%s",
			bitriseSetup(audience))
	}
	build, password, err := tokenService(env, urlVar, passwordVar)
	if err != nil {
		return regpass.Secret{}, err
	}
	return askForToken(ctx, env, "id_token", regpass.Request{
		Method: http.MethodPost, URL: build.JoinPath("id_token.json"),
		Keys: map[string]regpass.Secret{"Authorization": password, "BUILD_API_TOKEN": password}, // without a scheme
		JSON: map[string]any{"sub": "", "aud": audience},
	})
}

func bitriseSetup(audience string) string {
	const format = "- script@1:  # regpass itself asks for the ID token for %s"
	return fmt.Sprintf(format, regpass.Quote(audience))
}
