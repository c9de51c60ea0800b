package regpass

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Outcomes that decide the exit code. Everything else is 1.
var (
	ErrUsage      = errors.New("wrong usage")      // 2: asked wrongly
	ErrFound      = errors.New("found something")  // 3: a token where none may be
	ErrNoIdentity = errors.New("no identity here") // 4: forks, missing permission
)

// tagged is an error that also is an outcome, without saying so in its text.
type tagged struct {
	error
	outcome error
}

func (t tagged) Unwrap() []error { return []error{t.error, t.outcome} }

// Usagef makes an error for a command or setting that was asked wrongly.
func Usagef(format string, args ...any) error {
	return tagged{fmt.Errorf(format, args...), ErrUsage}
}

// NoIdentityf makes an error for a proof that is missing where one is needed.
func NoIdentityf(format string, args ...any) error {
	return tagged{fmt.Errorf(format, args...), ErrNoIdentity}
}

// hinted carries what to do about an error, apart from the error.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// Hintf adds to err what the user can do about it.
func Hintf(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return hinted{err, fmt.Sprintf(format, args...)}
}

// Hints lists what can be done about err, the nearest to its cause last.
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

// harmless shows text as it is where Quote would change nothing in it, and quoted otherwise.
func harmless(text string) string {
	if q := Quote(text); q != `"`+text+`"` {
		return q
	}
	return text
}

// maxQuote is how much of a foreign message is shown, in bytes.
const maxQuote = 300

// Quote shows text that came from outside as one quoted line of at most 300 bytes of it. A GitHub runner also takes
// "##[command]" anywhere in a line for a command (actions/runner, ActionCommand.TryParse), so that is broken.
func Quote(text string) string {
	cut := ""
	if len(text) > maxQuote {
		text, cut = text[:maxQuote], "…"
	}
	return strings.ReplaceAll(strconv.QuoteToASCII(text), "##[", `##\x5b`) + cut
}
