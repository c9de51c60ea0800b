package action_test

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/action"
)

// unescape undoes what a runner undoes in a command's data (actions/runner, ActionCommand.cs).
var unescape = strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%")

// masks returns what a runner would be told to hide by Mask. flag is the variable that it sets to true.
func masks(t *testing.T, secret, flag string) map[string]bool {
	t.Helper()
	var out bytes.Buffer
	getenv := func(name string) string { return map[string]string{flag: "true"}[name] }
	if err := action.Mask(&out, regpass.NewSecret(secret), getenv); err != nil {
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
		{"token: one mask, for the runner derives base64 and other forms", "eyJhbGciOi", []string{"eyJhbGciOi"}},
		{"percent is escaped", "100%25safe", []string{"100%25safe"}},
		{"URL-encoded by the runner", "a/b+c=d", []string{"a/b+c=d"}},
		{"a word a line", "one-word\ntwo-words\n", []string{"one-word", "two-words"}},
	} {
		got := slices.Sorted(maps.Keys(masks(t, test.secret, "GITHUB_ACTIONS")))
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: masks %q", test.name, got)
		}
	}
}

// Runners that are built on act hide what they are told and nothing besides.
func TestMaskForRunnersThatDeriveNothing(t *testing.T) {
	for _, flag := range []string{"ACT", "GITEA_ACTIONS", "FORGEJO_ACTIONS"} {
		got := masks(t, "tokentoken", flag)
		for _, want := range []string{"tokentoken", "b2tlbnRva2Vu", "746f6b656e746f6b656e"} {
			if !slices.ContainsFunc(slices.Collect(maps.Keys(got)), func(m string) bool { return strings.Contains(m, want) }) {
				t.Errorf("%s: %q is not among %v", flag, want, got)
			}
		}
	}
}

// A runner masks each line by itself, so a secret of several lines is masked by line; braces alone are not.
func TestMaskLines(t *testing.T) {
	got := masks(t, "{\n  \"private_key\": \"abc\"\r\n}\n", "GITHUB_ACTIONS")
	if !got[`"private_key": "abc"`] {
		t.Errorf("the line is not masked: %v", got)
	}
	for m := range got {
		if len(m) < 4 || strings.ContainsAny(m, "\r\n") {
			t.Errorf("masks %q", m)
		}
	}
}
