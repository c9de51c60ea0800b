package buildkit

import (
	"errors"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/secret"
)

func TestUnsaid(t *testing.T) {
	handed := []secret.Delivery{{ID: "own"}, {ID: "netrc", Host: "pkgs.example"}, {ID: "netrc", Host: "pkgs.example"}}
	const pip = "ERROR: Could not find a version that satisfies the requirement acme (from versions: none)\n"
	for _, c := range []struct {
		name, words string
		handed      []secret.Delivery
		hinted      bool
	}{
		{"pip", pip, handed, true},
		{"another version is there", strings.ReplaceAll(pip, "none", "1.0"), handed, false},
		{"no credential", pip, handed[:1], false},
	} {
		t.Run(c.name, func(t *testing.T) {
			fell := errors.New("exit code: 1")
			err := unsaid(fell, c.words, c.handed)
			if !errors.Is(err, fell) {
				t.Fatalf("%v is not the step's error", err)
			}
			hints := strings.Join(regpass.Hints(err), "\n")
			if strings.Contains(hints, "where pkgs.example refuses") != c.hinted {
				t.Errorf("hints: %q", hints)
			}
		})
	}
}

func TestUngivenSaysHowASecretIsGiven(t *testing.T) {
	for text, id := range map[string]string{
		`failed to solve: secret netrc: not found`: `the secret "netrc": `,
		`failed to solve: secret a-b.c: not found`: `the secret "a-b.c": `,
		`failed to solve: file x: not found`:       "",
	} {
		fell := errors.New(text)
		err := ungiven(fell, text)
		hints := strings.Join(regpass.Hints(err), "\n")
		if !errors.Is(err, fell) || (hints != "") != (id != "") || !strings.Contains(hints, id) {
			t.Errorf("%s: %q", text, hints)
		}
	}
}
