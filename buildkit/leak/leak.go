// Package leak tells whether a token is where none may be: in what a build is given, prints, records or exports.
package leak

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	digest "github.com/opencontainers/go-digest"

	"github.com/regpass/regpass"
)

// Where a token was found.
const (
	inOutput   = "output"
	inName     = "name"
	inProgress = "progress"
	inError    = "error"
	inWarning  = "warning"
	inArgument = "argument"
	inContext  = "context"
	inConfig   = "image config"
	inAttested = "attestation"
	inImage    = "image"
	// What of provenance is known before it is written.
	inDefinition = "definition"
	inSource     = "build file"
)

// Leak says that a token stands where none may, without showing it.
type Leak struct {
	// Where is "output", "name", "progress", "error", "warning" or "definition" of a step, or "argument", "context",
	// "build file", "image config", "attestation" or "image".
	Where       string
	What        string        // the step, argument, file or attestation; itself redacted, but not fit to print unquoted
	Step        digest.Digest // of the step, or ""
	ID, Host    string        // of the token, as Identifier.Identify names it
	Fingerprint string
	Form        string // as in regpass.Match
	By          string // the step that wrote the file in the image, like What; or ""
}

// String is one line that names the token and the place, the latter quoted.
func (l Leak) String() string {
	token := "the secret " + l.Fingerprint
	if l.Host != "" {
		token = fmt.Sprintf("the token for %s (%s, fingerprint %s)", l.Host, l.ID, l.Fingerprint)
	}
	of := " "
	if l.Step != "" {
		of = " of step "
	}
	by := ""
	if l.By != "" {
		by = ", written by step " + regpass.Quote(l.By)
	}
	return fmt.Sprintf("%s is in the %s%s%s (%s)%s", token, l.Where, of, regpass.Quote(l.What), l.Form, by)
}

// Error is regpass.ErrFound and says what was found.
type Error struct{ Leaks []Leak }

// Error has one clause for each leak.
func (e *Error) Error() string {
	lines := make([]string, len(e.Leaks))
	for i, l := range e.Leaks {
		lines[i] = l.String()
	}
	return "build: " + strings.Join(lines, "; ")
}

// Is makes it regpass.ErrFound.
func (e *Error) Is(target error) bool { return target == regpass.ErrFound }

// maxLeaks is how many different leaks are remembered: enough to say what is wrong, whatever a step prints.
const maxLeaks = 100

// leaks collects them. It may be used by several goroutines.
type leaks struct {
	tokens Identifier
	stop   context.CancelCauseFunc // nil: nobody must be told

	mu  sync.Mutex
	all []Leak
}

func (l *leaks) add(f regpass.Match, where, what string, step digest.Digest) {
	l.addLeak(Leak{Where: where, What: cmp.Or(what, string(step)), Step: step, Fingerprint: f.Fingerprint, Form: f.Form})
}

// addLeak adds what the token is called.
func (l *leaks) addLeak(leak Leak) {
	var ours bool
	if leak.ID, leak.Host, ours = l.tokens.Identify(leak.Fingerprint); !ours {
		return
	}
	l.mu.Lock()
	isNew := len(l.all) < maxLeaks && !slices.Contains(l.all, leak)
	if isNew {
		l.all = append(l.all, leak)
	}
	l.mu.Unlock()
	if isNew && l.stop != nil {
		l.stop(&Error{[]Leak{leak}})
	}
}

func (l *leaks) list() []Leak {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

func (l *leaks) err() error {
	if all := l.list(); len(all) > 0 {
		return &Error{all}
	}
	return nil
}
