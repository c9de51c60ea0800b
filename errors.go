package regpass

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Outcomes that decide the exit code. It is 1 for any other error.
var (
	ErrUsage      = errors.New("wrong usage")      // 2: a wrong command or setting
	ErrFound      = errors.New("found something")  // 3: a token where none may be
	ErrNoIdentity = errors.New("no identity here") // 4: a fork, a missing permission, no key
	ErrRefused    = errors.New("refused")          // 5: a server refused the proof
)

// tagged is an error that also is another one, such as an outcome, without its text.
type tagged struct {
	error
	tag error
}

func (t tagged) Unwrap() []error { return []error{t.error, t.tag} }

// Usagef makes an ErrUsage, for a wrong command or setting.
func Usagef(format string, args ...any) error {
	return tagged{fmt.Errorf(format, args...), ErrUsage}
}

// NoIdentityf makes an ErrNoIdentity, for a proof that is needed and missing.
func NoIdentityf(format string, args ...any) error {
	return tagged{fmt.Errorf(format, args...), ErrNoIdentity}
}

// hinted is an error with the next step for the user, apart from its text.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// Hintf adds to err the next step for the user. It returns nil for nil.
func Hintf(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return hinted{err, fmt.Sprintf(format, args...)}
}

// Hints lists the hints in err, the nearest to its cause last.
func Hints(err error) []string {
	var all []string
	for err != nil {
		if h, ok := err.(hinted); ok {
			all = append(all, h.hint)
		}
		switch u := err.(type) {
		case interface{ Unwrap() error }:
			err = u.Unwrap()
		case interface{ Unwrap() []error }:
			for _, e := range u.Unwrap() {
				all = append(all, Hints(e)...)
			}
			return all
		default:
			return all
		}
	}
	return all
}

// quoteIfNeeded returns text unchanged if Quote would change nothing in it, and quoted otherwise.
func quoteIfNeeded(text string) string {
	if q := Quote(text); q != `"`+text+`"` {
		return q
	}
	return text
}

// maxQuote is how much of a text from outside is shown, in bytes.
const maxQuote = 300

// Quote shows at most 300 bytes of a text from outside as one quoted line, in which no runner finds a command; see
// Inert.
func Quote(text string) string {
	cut := ""
	if len(text) > maxQuote {
		text, cut = text[:maxQuote], "…"
	}
	return Inert(strconv.QuoteToASCII(text)) + cut
}

// ShowPath shows the path of a file that a stranger may have named: as it is, or quoted where it holds a line end or
// another character that does not print, or a command to a runner.
func ShowPath(path string) string {
	hidden := func(r rune) bool { return !unicode.IsPrint(r) }
	if utf8.ValidString(path) && !strings.ContainsFunc(path, hidden) && Inert(path) == path {
		return path
	}
	return Quote(path)
}

// bracketed matches the beginning of what a runner may take for a command at any place of a line.
var bracketed = Pattern(`(##[\pL\pN_.-]*)\[`)

// Inert changes text so that no runner finds a command at any place of a line in it: ##[command] of GitHub
// (actions/runner, ActionCommand.TryParse), ##vso[…] of Azure Pipelines (azure-pipelines-agent, Command.TryParse) and
// ##teamcity[…] of TeamCity, which all may stand behind other text. It breaks ## and [ with nothing but letters,
// digits, dots and dashes between them.
func Inert(text string) string {
	if !strings.Contains(text, "##") {
		return text
	}
	return bracketed().ReplaceAllString(text, `$1\x5b`)
}

// control matches what moves a terminal, after the sequences that only choose a colour (ECMA-48, 5.4 and 8.3.117).
var control = Pattern(`\x1b\[[0-9;]*m|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x{80}-\x{9f}]`)

// Printable writes control characters as \x1b and the like, but for line ends, tabs and colours: a terminal would obey
// them, as where one sets the clipboard or the window's title. Other text stays as it is.
func Printable(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r >= 0x7f && r <= 0x9f
	}) {
		return text
	}
	return control().ReplaceAllStringFunc(text, func(found string) string {
		if len(found) > 1 && found[0] == '\x1b' {
			return found
		}
		r, _ := utf8.DecodeRuneInString(found)
		return fmt.Sprintf(`\x%02x`, r)
	})
}
