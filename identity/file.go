package identity

import (
	"context"
	"fmt"

	"github.com/regpass/regpass"
)

// fileToken reads the file at every call: Kubernetes and others replace it before the token expires.
func fileToken(_ context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	path := env.Getenv("REGPASS_ID_TOKEN_FILE")
	if path == "" {
		err := regpass.NoIdentityf("REGPASS_ID_TOKEN_FILE is not set")
		return regpass.Secret{}, regpass.Hintf(err, "set it:\n%s", fileSetup(audience))
	}
	path = env.Abs(path)
	// White space around the token is trimmed later, so the file may be a little longer than the longest token.
	text, err := regpass.ReadSecretFile("REGPASS_ID_TOKEN_FILE", path, regpass.MaxToken+1<<10)
	if err != nil {
		err = regpass.NoIdentityf("%w", err)
		return regpass.Secret{}, regpass.Hintf(err,
			"the token must be in that file before regpass runs:\n%s", fileSetup(audience))
	}
	return regpass.NewSecret(string(text)), nil
}

func fileSetup(audience string) string {
	const format = "export REGPASS_ID_TOKEN_FILE=/path/to/token  # holds only an ID token whose aud is %s"
	return fmt.Sprintf(format, regpass.Quote(audience))
}
