package cli

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// rows writes pairs in two columns, each on one line: the second may be text to paste.
func rows(b *strings.Builder, all [][2]string) {
	width := 0
	for _, r := range all {
		width = max(width, len(r[0]))
	}
	for _, r := range all {
		fmt.Fprintf(b, "  %-*s  %s\n", width, r[0], r[1])
	}
}

// The widths of help, in columns: of a line, and of the first column of a table.
const (
	lineWidth  = 100
	firstWidth = 32
)

// table writes pairs in two columns for reading: what is too wide for the first has a line of its own, and the second
// is broken between words.
func table(b *strings.Builder, all [][2]string) {
	width := 0
	for _, r := range all {
		if n := utf8.RuneCountInString(r[0]); n <= firstWidth {
			width = max(width, n)
		}
	}
	margin := strings.Repeat(" ", width+4)
	for _, r := range all {
		first := fmt.Sprintf("  %-*s  ", width, r[0])
		if utf8.RuneCountInString(r[0]) > width {
			fmt.Fprintf(b, "  %s\n", r[0])
			first = margin
		}
		b.WriteString(wrapped(first, margin, r[1]))
	}
}

// wrapped is text broken between words into lines of lineWidth, the first behind first and the others behind margin.
func wrapped(first, margin, text string) string {
	var b strings.Builder
	b.WriteString(first)
	at := utf8.RuneCountInString(first)
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i > 0 && at+1+n > lineWidth:
			b.WriteString("\n" + margin)
			at = utf8.RuneCountInString(margin)
		case i > 0:
			b.WriteString(" ")
			at++
		}
		b.WriteString(word)
		at += n
	}
	return b.String() + "\n"
}
