package cli

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass/internal/testenv"
)

func TestTable(t *testing.T) {
	var b strings.Builder
	table(&b, [][2]string{{"NAME", strings.Repeat("word ", 20) + "end"}, {strings.Repeat("N", 33), "below"},
		{"X", strings.Repeat("u", 120)}, {"E", ""}})
	want := "  NAME  " + strings.Repeat("word ", 17) + "word\n        word word end\n  " + strings.Repeat("N", 33) +
		"\n        below\n  X     " + strings.Repeat("u", 120) + "\n  E     \n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// TestHelpFitsATerminal holds that no line of help is wider than its tables are, but for URLs and text to copy.
func TestHelpFitsATerminal(t *testing.T) {
	env := testenv.New(t, nil)
	root := newRoot(&app{env: env, say: newPrinter(env.Stderr, person, noVariables)})
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		var out strings.Builder
		cmd.SetOut(&out)
		if err := cmd.Help(); err != nil {
			t.Error(err)
		}
		for line := range strings.Lines(out.String()) {
			if strings.HasPrefix(line, "  ") && cmd.IsAdditionalHelpTopicCommand() {
				continue
			}
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > lineWidth {
				t.Errorf("%s: %d columns: %s", cmd.CommandPath(), n, line)
			}
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(root)
}
