package identity

import (
	"context"
	"fmt"
	"strings"

	"github.com/regpass/regpass"
)

// anyAudience is the variable that holds a token whatever the audience is called.
const anyAudience = "REGPASS_ID_TOKEN"

// variableHere leaves <AUDIENCE>_ID_TOKEN to the gitlab row on GitLab, where it is the job's own way.
func variableHere(env *regpass.Env, audience string) bool {
	if name, _ := env.Lookup(tokenVariables(audience)...); name != "" {
		return env.Getenv("GITLAB_CI") != "true"
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
	return fmt.Sprintf("export %s=…  # an ID token whose aud is %s; %s serves as well", tokenVariables(audience)[0], regpass.Quote(audience), anyAudience)
}

// Variable names the variable that holds a token for audience, which must not be empty: PYX_ID_TOKEN for "pyx".
func Variable(audience string) string { return tokenVariables(audience)[0] }

// tokenVariables names the variables that hold a token for audience by GitLab's convention: in capitals, all but
// letters and digits as "_", then _ID_TOKEN. The clients agree on that but for an audience that begins with a digit:
// id replaces it, since no variable may begin with one (di/id, ambient.py), ambient-id keeps it (gitlab.rs). Both
// names are given then, the valid one first.
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
