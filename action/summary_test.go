package action_test

import (
	"html"
	"os"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/action"
)

// What a registry or a workflow says can't end its cell, be a link or a tag.
func TestSummary(t *testing.T) {
	_, vars := step(t)
	const hostile = "a | b\n| c | <img src=x onerror=y> [l](http://e) `` ** &lt; \x1b"
	if err := action.New(&regpass.Env{Getenv: lookup(vars)}).Summary([]action.Row{{hostile, "b", "c", "d"}}); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(vars["GITHUB_STEP_SUMMARY"])
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	if len(lines) != 3 || strings.Count(lines[2], "|") != 5 || strings.ContainsAny(lines[2], "<>[]`*\x1b") {
		t.Errorf("the table is %q", lines)
	}
	cell := html.UnescapeString(strings.Split(lines[2], "|")[1])
	if cell != " "+strings.NewReplacer("\n", " ", "\x1b", " ").Replace(hostile)+" " {
		t.Errorf("the cell reads %q", cell)
	}
	if err := action.New(&regpass.Env{Getenv: lookup(nil)}).Summary([]action.Row{{"a", "b", "c", "d"}}); err != nil {
		t.Errorf("without a page: %v", err)
	}
}

func TestList(t *testing.T) {
	got := action.List([]string{"a=/tmp/x y,z", "b=1\n\"2\"\n", "c=d"})
	if want := "a=/tmp/x y,z\n\"b=1\n\"\"2\"\"\n\"\nc=d"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

// MaskIn hides the whole word where a form of the token leaves its ends to be seen, and nothing else.
func TestMaskIn(t *testing.T) {
	known := regpass.NewRedactor(regpass.NewSecret("tokentoken"))
	var out strings.Builder
	text := "machine h\nlogin u\npassword tokentoken\n" + `{"auth":"dTp0b2tlbnRva2VuIQ==","other":"value"}`
	if err := action.MaskIn(&out, regpass.NewSecret(text), known); err != nil {
		t.Fatal(err)
	}
	if want := "::add-mask::dTp0b2tlbnRva2VuIQ==\n"; out.String() != want {
		t.Errorf("%q, not %q", out.String(), want)
	}
}
