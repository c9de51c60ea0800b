// Package leak finds tokens where none may be: in the input of a build, its output, its records and its exports.
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
	// These two go into the provenance, and are known before it is written.
	inDefinition = "definition"
	inSource     = "build file"
)

// Leak says where a token was found, without showing it.
type Leak struct {
	// Where is "output", "name", "progress", "error", "warning" or "definition" of a step, or "argument", "context",
	// "build file", "image config", "attestation" or "image".
	Where       string
	Name        string        // of the step, argument, file or attestation; redacted, but quote it to print it
	Step        digest.Digest // of the step, or ""
	ID, Host    string        // of the token, as Identifier.Identify names it
	Fingerprint string
	Form        string // as in regpass.Match
	By          string // the step that wrote the file in the image, like Name; or ""
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
	return fmt.Sprintf("%s is in the %s%s%s (%s)%s", token, l.Where, of, regpass.Quote(l.Name), l.Form, by)
}

// Error lists the leaks of a build. It is regpass.ErrFound.
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

// maxLeaks is how many different leaks are remembered: enough to see the mistake, however much a step prints.
const maxLeaks = 100

// leaks collects the leaks of a build. Several goroutines may use it.
type leaks struct {
	tokens Identifier
	stop   context.CancelCauseFunc // may be nil

	mu  sync.Mutex // guards all
	all []Leak
}

func (l *leaks) add(f regpass.Match, where, name string, step digest.Digest) {
	l.addLeak(Leak{Where: where, Name: cmp.Or(name, string(step)), Step: step, Fingerprint: f.Fingerprint, Form: f.Form})
}

// addLeak names the token and adds the leak. It drops a secret that is not ours, and a leak that is known.
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
