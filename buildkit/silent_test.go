package buildkit

import (
	"errors"
	"strings"
	"testing"

	"github.com/regpass/regpass"
)

func TestUnsaid(t *testing.T) {
	handed := []Delivery{{ID: "own"}, {ID: "netrc", Host: "pkgs.example"}, {ID: "netrc", Host: "pkgs.example"}}
	const pip = "ERROR: Could not find a version that satisfies the requirement acme (from versions: none)\n"
	for _, c := range []struct {
		name, words string
		handed      []Delivery
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
