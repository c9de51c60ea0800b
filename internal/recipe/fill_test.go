package recipe

import (
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
	"github.com/regpass/regpass/internal/testenv"
)

// A system whose tokens have one audience gives none to a registry that wants another: its recipe has a key.
func TestFixedAudience(t *testing.T) {
	toy := ci.System{Name: "toy", Title: "Toy", Tokens: ci.OneToken, Audience: "https://toy.test"}
	for _, test := range []struct {
		ref      string
		identity bool
	}{
		{"https://api.pyx.dev/simple/acme/main", false},
		{"https://api.pyx.dev/simple/acme/main audience=https://toy.test", true},
		{"https://toy.test/acme type=prefix.dev audience=https://toy.test", true},
	} {
		refs, err := regpass.ParseRefs(test.ref, "the test")
		if err != nil {
			t.Fatal(err)
		}
		f, err := fill(testenv.New(t, nil), toy, refs)
		if err != nil || f.Identity != test.identity || (len(f.Keys) == 0) != test.identity {
			t.Errorf("%s: %+v, %v", test.ref, f, err)
		}
		if !test.identity && (len(f.notes) != 1 || !strings.Contains(f.notes[0], "are all for the audience")) {
			t.Errorf("%s: notes %q", test.ref, f.notes)
		}
	}
}
