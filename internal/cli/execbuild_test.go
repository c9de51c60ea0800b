package cli

import (
	"testing"

	"github.com/regpass/regpass"
)

func TestNoAddSecretsLeavesBuildsAlone(t *testing.T) {
	env := &regpass.Env{Getenv: func(string) string { return "0" }} // DOCKER_BUILDKIT
	for _, command := range [][]string{{"docker", "build", "."}, {"docker", "bake"}, {"make"}} {
		x := execSecrets{keepArgs: true}
		if err := x.find(t.Context(), env, command); err != nil || x.wanted() {
			t.Errorf("%q: %v, %v", command, x.wanted(), err)
		}
	}
}
