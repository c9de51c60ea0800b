package action

import (
	"io"
	"strings"

	"github.com/regpass/regpass"
)

// Level is the severity of an annotation, and the name of its command.
type Level string

// The levels that GitHub shows.
const (
	Error   Level = "error"
	Warning Level = "warning"
)

// Annotate has the runner that reads w show text beside the run. Line breaks in text are kept. A failure to write is
// the only error.
func Annotate(w io.Writer, level Level, title, text string) error {
	return command(w, string(level), map[string]string{"title": title}, Harmless(text))
}

// atStart matches "::" where a runner takes it for a command: at the start of a line, after white space that .NET's
// TrimStart drops. A line also ends at a carriage return alone, as in .NET's ReadLine.
var atStart = regpass.Pattern(`(^|[\r\n])([\s\v\x{85}\p{Z}]*)::`)

// Harmless changes text so that a runner finds no command in it: no "::" at the start of a line and, as with
// regpass.Inert, no "##[" anywhere (actions/runner, ActionCommand.cs, TryParseV2 and TryParse).
func Harmless(text string) string {
	text = regpass.Inert(text)
	if strings.Contains(text, "::") {
		text = atStart().ReplaceAllString(text, `$1$2\x3a:`)
	}
	return text
}
