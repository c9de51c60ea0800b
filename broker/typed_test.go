package broker

import (
	"testing"
	"time"

	"github.com/regpass/regpass/internal/testenv"
)

// A variable of a kind of server that anybody may run is one key: two servers of the kind do not both get it.
func TestKeyOfAKindForOneServer(t *testing.T) {
	for _, test := range []struct{ name, kind string }{
		{"QUETZ_API_KEY", "quetz"}, {"ANACONDA_API_KEY", "anaconda.org"}, {"PREFIX_API_KEY", "prefix.dev"},
		{"PYX_AUTH_TOKEN", "pyx"},
	} {
		t.Run(test.kind, func(t *testing.T) {
			p := newFixture(t, map[string]string{test.name: "a-key-0123456789abcdef"})
			b := New(p.env, nil, Options{Timeout: time.Minute}, &reported{})
			a, other := ref(t, "https://a.corp/x type="+test.kind, true), ref(t, "https://b.example/x type="+test.kind, true)
			if _, err := b.Credential(t.Context(), a); err != nil {
				t.Fatal(err)
			}
			if e := b.Explain(other); e.Err == nil {
				t.Error("status promises it to both")
			}
			_, err := b.Credential(t.Context(), other)
			testenv.WantError(t, err, "a-key-0123456789abcdef",
				test.name+" is one key, but https://a.corp and https://b.example")
			if _, err := b.Credential(t.Context(), a); err != nil {
				t.Error(err)
			}
		})
	}
}
