package action

import (
	"fmt"
	"strings"
)

// Row is the line of a step's summary about one registry, in words for people.
type Row struct{ Registry, Identity, Written, Until string }

// Summary adds a table to the page of the run. It does nothing on a runner without such a page.
func (r *Runner) Summary(rows []Row) error {
	if r.getenv(fileVariable("step-summary")) == "" {
		return nil
	}
	var b strings.Builder
	b.WriteString("| Registry | Credential by | Written | Good until |\n|---|---|---|---|\n")
	for _, row := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n",
			escape(row.Registry), escape(row.Identity), escape(row.Written), escape(row.Until))
	}
	return r.file("step-summary", b.String())
}

// escape writes text so that Markdown and HTML show it unchanged: every character that is not a letter, a digit or a
// space becomes its number. A control character, also a line break, becomes a space.
func escape(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == ' ':
			b.WriteRune(r)
		case r < ' ', r == 0x7f:
			b.WriteByte(' ')
		default:
			fmt.Fprintf(&b, "&#%d;", r)
		}
	}
	return b.String()
}
