package action_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/action"
)

// unescape undoes what a runner undoes in a command's data (actions/runner, ActionCommand.cs).
var unescape = strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%")

// masks returns what a runner would hide after Mask.
func masks(t *testing.T, secret string) map[string]bool {
	t.Helper()
	var out bytes.Buffer
	if err := action.Mask(&out, regpass.NewSecret(secret)); err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for line := range strings.Lines(out.String()) {
		data, ok := strings.CutPrefix(strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"), "::add-mask::")
		if !ok {
			t.Fatalf("a line that is no mask command: %q", line)
		}
		all[unescape.Replace(data)] = true
	}
	return all
}

func TestMask(t *testing.T) {
	for _, test := range []struct {
		name, secret string
		want         []string
	}{
		{"empty: a mask of nothing hides nothing", "", nil},
		{"short: a mask of a letter or two would hide the log", "ab", nil},
		{"token", "eyJhbGciOi", []string{"eyJhbGciOi", "65794a6862476369" + "4f69"}},
		{"percent is escaped", "100%25safe", []string{"100%25safe"}},
		{"URL-encoded too", "a/b+c=d", []string{"a/b+c=d", "a%2Fb%2Bc%3Dd"}},
		{"base64 of user:token, at the shift it has there", "tokentoken", []string{"b2tlbnRva2Vu"}},
	} {
		got := masks(t, test.secret)
		for _, w := range test.want {
			found := false
			for m := range got {
				found = found || strings.Contains(m, w)
			}
			if !found {
				t.Errorf("%s: %q is not among %v", test.name, w, got)
			}
		}
		if test.want == nil && len(got) > 0 {
			t.Errorf("%s: masks %v", test.name, got)
		}
	}
}

// A runner masks each line by itself, so a secret of several lines is masked by line; braces alone are not.
func TestMaskLines(t *testing.T) {
	got := masks(t, "{\n  \"private_key\": \"abc\"\r\n}\n")
	if !got[`"private_key": "abc"`] {
		t.Errorf("the line is not masked: %v", got)
	}
	for m := range got {
		if len(m) < 4 || strings.ContainsAny(m, "\r\n") {
			t.Errorf("masks %q", m)
		}
	}
}
