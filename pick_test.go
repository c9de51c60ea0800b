package regpass

import (
	"errors"
	"strings"
	"testing"
)

func TestPick(t *testing.T) {
	type color struct{ name, hex string }
	colors := []color{{"red", "f00"}, {"green", "0f0"}, {"blue", "00f"}}
	for _, test := range []struct {
		rows       []color
		name, want string
		err        string
	}{
		{colors, "red", "f00", ""},
		{colors, "blue", "00f", ""},
		{colors, "", "", `no color is named (known: red, green, blue)`},
		{colors, "Red", "", `unknown color "Red" (known: red, green, blue)`},
		{colors, "a\n##[b]", "", `unknown color "a\n##\x5bb]" (known: red, green, blue)`},
		{colors, strings.Repeat("x", 301), "",
			`unknown color "` + strings.Repeat("x", 300) + `"… (known: red, green, blue)`},
		{nil, "red", "", `unknown color "red" (known: )`},
	} {
		got, err := Pick("color", test.name, test.rows, func(c color) string { return c.name })
		if got.hex != test.want {
			t.Errorf("%q is %q, want %q", test.name, got.hex, test.want)
		}
		switch {
		case test.err == "" && err != nil, test.err != "" && (err == nil || err.Error() != test.err):
			t.Errorf("%q: %v, want %q", test.name, err, test.err)
		case err != nil && !errors.Is(err, ErrUsage):
			t.Errorf("%q: %v is not ErrUsage", test.name, err)
		}
	}
}

func TestPickHints(t *testing.T) {
	names := []string{"gitea", "gitlab", "npm", "s3"}
	for name, want := range map[string]string{
		"gitlb": "did you mean gitlab?", "GitLab": "did you mean gitlab?", "git": "did you mean gitea or gitlab?",
		"npmm": "did you mean npm?", "foo": "", "x9": "", "gitlab-of-mine": "", strings.Repeat("n", 1<<20): "", "": "",
	} {
		_, err := Pick("type", name, names, func(n string) string { return n })
		if got := strings.Join(Hints(err), "; "); got != want {
			t.Errorf("%.20q: %q, want %q", name, got, want)
		}
	}
}
