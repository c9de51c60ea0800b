package identity

import (
	"context"
	"fmt"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
)

// anyAudience is the variable that holds a token for any audience.
const anyAudience = "REGPASS_ID_TOKEN"

// detectVariable leaves <AUDIENCE>_ID_TOKEN to the gitlab row on GitLab, which puts its ID tokens into such variables.
func detectVariable(env *regpass.Env, audience string) bool {
	if name, _ := env.Lookup(tokenVariables(audience)...); name != "" {
		return !ci.GitLab.Detect(env)
	}
	return env.Getenv(anyAudience) != ""
}

func variableToken(_ context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	names := append(tokenVariables(audience), anyAudience)
	_, value := env.Lookup(names...)
	if value == "" {
		err := regpass.NoIdentityf("none of %s is set", strings.Join(names, ", "))
		return regpass.Secret{}, regpass.Hintf(err, "set one:\n%s", variableSetup(audience))
	}
	return regpass.NewSecret(value), nil
}

func variableSetup(audience string) string {
	const format = "export %s=…  # an ID token whose aud is %s; %s works too"
	return fmt.Sprintf(format, tokenVariables(audience)[0], regpass.Quote(audience), anyAudience)
}

// Variable names the variable that holds a token for audience, which must not be empty: PYX_ID_TOKEN for "pyx".
func Variable(audience string) string { return tokenVariables(audience)[0] }

// tokenVariables names the variables that hold a token for audience by GitLab's convention: the audience in capitals,
// with "_" for any other character than a letter or digit, then _ID_TOKEN. Clients differ if an audience begins with a
// digit: id replaces the digit, because no variable may begin with one (di/id, ambient.py), and ambient-id keeps it
// (gitlab.rs). For such an audience it returns both names, the valid one first.
func tokenVariables(audience string) []string {
	kept := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, audience) + "_ID_TOKEN"
	if kept[0] >= '0' && kept[0] <= '9' {
		return []string{"_" + kept[1:], kept}
	}
	return []string{kept}
}
