package broker

import (
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
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

// The key of a service goes to its own hosts, or to one that a person calls of that kind, and not to both: who wrote
// the second into a list of registries wants the key.
func TestKeyOfAServiceStays(t *testing.T) {
	for _, test := range []struct{ name, kind, own, also string }{
		{"CLOUDSMITH_API_KEY", "cloudsmith", "https://dl.cloudsmith.io/basic/acme/main/python/simple/",
			"https://docker.cloudsmith.io/acme/main"},
		{"ANACONDA_AUTH_API_KEY", "anaconda.com", "https://repo.anaconda.cloud/repo/acme",
			"https://repo.anaconda.cloud/repo/other"},
		{"ANACONDA_API_KEY", "anaconda.org", "https://conda.anaconda.org/acme", "https://anaconda.org/acme"},
		{"PREFIX_API_KEY", "prefix.dev", "https://repo.prefix.dev/acme", "https://prefix.dev/acme"},
	} {
		stranger, second := "https://pkgs.evil.example/x type="+test.kind, "https://b.evil.example/x type="+test.kind
		for name, order := range map[string][]string{
			"own first":       {test.own, test.also, stranger},
			"stranger first":  {stranger, stranger, test.own},
			"two strangers":   {stranger, second},
			"odd case":        {test.own, "https://PKGS.Evil.example/x type=" + test.kind},
			"a port":          {test.own, withPort(test.own) + " type=" + test.kind},
			"a trailing dot":  {test.own, "https://dl.cloudsmith.io./x type=" + test.kind},
			"its name inside": {test.own, "https://dl.cloudsmith.io.evil.example/x type=" + test.kind},
		} {
			t.Run(test.kind+" "+name, func(t *testing.T) {
				p := newFixture(t, map[string]string{test.name: "a-key-0123456789abcdef"})
				b := New(p.env, nil, Options{Timeout: time.Minute}, &reported{})
				for i, text := range order {
					parsed, err := regpass.ParseRef(text)
					if err != nil && i == len(order)-1 {
						return // it is no registry at all
					}
					if err != nil {
						t.Fatal(err)
					}
					parsed.Trusted = true
					_, err = b.Credential(t.Context(), parsed)
					if i < len(order)-1 && err != nil {
						t.Fatal(err)
					}
					if i == len(order)-1 {
						testenv.WantError(t, err, "a-key-0123456789abcdef", test.name+" is one key, but https://")
					}
				}
			})
		}
		// A checkout cannot call a host one of that kind.
		p := newFixture(t, map[string]string{test.name: "a-key-0123456789abcdef"})
		b := New(p.env, nil, Options{Timeout: time.Minute}, &reported{})
		_, err := b.Credential(t.Context(), ref(t, stranger, false))
		testenv.WantError(t, err, "a-key-0123456789abcdef", "type= is not taken from")
	}
}

// withPort gives a URL's host a port.
func withPort(text string) string {
	host, path, _ := strings.Cut(strings.TrimPrefix(text, "https://"), "/")
	return "https://" + host + ":8443/" + path
}
