package action

import (
	"fmt"
	"strings"
)

// Row is what a step's summary says of one registry.
type Row struct{ Registry, Identity, Written, Until string }

// Summary adds a table to the page of the run. It is for people, so a runner that has no such page is no error.
func (r *Runner) Summary(rows []Row) error {
	if r.getenv(fileVariable("step-summary")) == "" {
		return nil
	}
	var b strings.Builder
	b.WriteString("| Registry | Credential by | Written | Good until |\n|---|---|---|---|\n")
	for _, row := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", plain(row.Registry), plain(row.Identity), plain(row.Written), plain(row.Until))
	}
	return r.file("step-summary", b.String())
}

// plain writes text so that Markdown and HTML show it as it is: all that is not a letter, a digit or a space as its
// number. A control character, a line break too, becomes a space.
func plain(text string) string {
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
