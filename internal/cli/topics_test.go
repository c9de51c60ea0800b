package cli

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestHelpIsNotTooWide holds that a topic fits a terminal, but for a URL and text to copy.
func TestHelpIsNotTooWide(t *testing.T) {
	for _, topic := range topics() {
		for line := range strings.Lines(topic.Long) {
			line = strings.TrimRight(line, "\n")
			copied := topic.Use == "identities" && strings.HasPrefix(line, "    ")
			if n := utf8.RuneCountInString(line); n > 120 && !copied && !strings.Contains(line, "https://") {
				t.Errorf("%s: %d columns: %s", topic.Use, n, line)
			}
		}
	}
}

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
