package identity_test

import (
	"path/filepath"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/identity"
)

// Each of the three sets the flags of those that follow.
func TestForgesAreToldApart(t *testing.T) {
	vars := map[string]string{"GITHUB_ACTIONS": "true"}
	for _, next := range []struct{ want, flag string }{
		{"github", "GITEA_ACTIONS"}, {"gitea", "FORGEJO_ACTIONS"}, {"forgejo", ""},
	} {
		env, _ := surroundings(vars)
		if p, _ := identity.Detect(env, "pyx"); p.Name != next.want {
			t.Errorf("with %v: %q, want %s", vars, p.Name, next.want)
		}
		vars[next.flag] = "true"
	}
}

func TestForgejoFork(t *testing.T) {
	event := filepath.Join(t.TempDir(), "event")
	write(t, event, `{"pull_request":{"head":{"repo":{"fork":true,"full_name":"mallory/app"}},`+
		`"base":{"repo":{"full_name":"acme/app"}}}}`)
	env, _ := surroundings(map[string]string{"FORGEJO_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request",
		"GITHUB_EVENT_PATH": event})
	_, err := get(t, "forgejo", env)
	wants(t, err, regpass.ErrNoIdentity, "no ID token to a pull request from a fork", "--if-unavailable skip")
}
