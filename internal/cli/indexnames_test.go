package cli

import (
	"testing"

	"github.com/regpass/regpass"
)

// A URL that uv and we might read differently is on no server of ours.
func TestSameOrigin(t *testing.T) {
	r, err := regpass.ParseRef("https://corp.example/simple")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"https://corp.example/other":               true,
		"https://corp.example":                     true,
		"HTTPS://CORP.example:443/":                true,
		"https://user:word@corp.example/?a#b":      true,
		"http://corp.example/":                     false,
		"https://corp.example:8443/":               false,
		"https://evil.example/corp.example":        false,
		"https://corp.example.evil.example/":       false,
		"https://corp.example@evil.example/":       false,
		`https://evil.example\@corp.example/`:      false,
		`https://corp.example\.evil.example/`:      false,
		"https:evil.example/":                      false,
		"https:///corp.example/":                   false,
		"//corp.example/":                          false,
		"https://corp.example%2eevil.example/":     false,
		"https://corp.example\t.evil.example/":     false,
		" https://corp.example/":                   false,
		"https://corp.example\uff0f.evil.example/": false,
		"./wheels": false,
		"":         false,
	} {
		if sameOrigin(r, text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}
