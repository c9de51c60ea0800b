package action

import (
	"io"
	"strings"

	"github.com/regpass/regpass"
)

// Level is how serious an annotation is, and the name of its command.
type Level string

// The levels that GitHub shows.
const (
	Error   Level = "error"
	Warning Level = "warning"
)

// Annotate shows text beside the run, with line breaks where it has them, on the runner that reads w.
func Annotate(w io.Writer, level Level, title, text string) error {
	return command(w, string(level), map[string]string{"title": title}, Harmless(text))
}

// atStart is "::" where a runner takes it for a command: first in a line after what .NET's TrimStart drops, and lines
// end as .NET's ReadLine says, also at a carriage return alone.
var atStart = regpass.Pattern(`(^|[\r\n])([\s\v\x{85}\p{Z}]*)::`)

// Harmless returns text in which a runner finds no command: neither "::" that begins a line nor "##[" anywhere
// (actions/runner, ActionCommand.cs, TryParseV2 and TryParse).
func Harmless(text string) string {
	if strings.Contains(text, "##[") {
		text = strings.ReplaceAll(text, "##[", `##\x5b`)
	}
	if strings.Contains(text, "::") {
		text = atStart().ReplaceAllString(text, `$1$2\x3a:`)
	}
	return text
}
