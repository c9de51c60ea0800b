package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/action"
)

// What a person reads goes to standard error, each line with "regpass: " before it, lower case, no full stop at the
// end. Standard output holds only what was asked for. Nothing else in the program prints errors or picks exit codes.

// Exit codes; `regpass help exit-codes` explains them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitFound       = 3
	exitNoIdentity  = 4
	exitInterrupted = 130
)

// printer writes lines to standard error, with every secret that is known replaced.
type printer struct {
	mu     sync.Mutex
	raw    io.Writer
	github bool // the runner there takes commands, ::add-mask:: among them
	shows  bool // errors and warnings are annotations of the runner's
	child  bool // a command whose output is redacted runs: it may have stopped the runner's commands, so give none
	known  *regpass.Redactor
	masked map[string]bool // fingerprints
	failed error           // why a runner could not be told to hide a secret
	held   *bytes.Buffer   // lines for release to write; nil: they are written at once
}

func newPrinter(raw io.Writer, github bool) *printer {
	return &printer{raw: raw, github: github, known: regpass.NewRedactor(), masked: map[string]bool{}}
}

// mask is regpass.Env.Mask.
func (p *printer) mask(secrets ...regpass.Secret) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range secrets {
		if s.Empty() || p.masked[s.Fingerprint()] {
			continue
		}
		p.masked[s.Fingerprint()] = true
		p.known.Add(s)
		if p.github && !p.child {
			p.failed = errors.Join(p.failed, action.Mask(p.raw, s))
		}
	}
}

// holdBack keeps lines until release, while a display that moves the cursor owns the terminal. Masks are given at once.
func (p *printer) holdBack() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = &bytes.Buffer{}
}

// release writes the lines that were held back.
func (p *printer) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held != nil {
		_, _ = p.held.WriteTo(p.raw) // as with Write, there is nowhere to report an error
	}
	p.held = nil
}

// out is the place for lines. p.mu is held.
func (p *printer) out() io.Writer {
	if p.held != nil {
		return p.held
	}
	return p.raw
}

// childRuns says whether a command whose output is redacted shares the printer's stream.
func (p *printer) childRuns(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.child = yes
}

// maskIn has a runner hide also the words of a text in which a secret is a part. It returns what could not be hidden
// so far.
func (p *printer) maskIn(text regpass.Secret) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.github && !p.child {
		p.failed = errors.Join(p.failed, action.MaskIn(p.raw, text, p.known))
	}
	return p.failed
}

// Write lets the printer be regpass.Env.Stderr: whole lines come out redacted, and none is a command to a runner.
func (p *printer) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.known.Redact(b)
	if p.github {
		out = []byte(action.Harmless(string(out)))
	}
	_, err := p.out().Write(out)
	return len(b), err
}

// line prints one message. Text in it that came from outside is already quoted; that it can't be taken for a command
// by a GitHub runner is made sure of once more by Write.
func (p *printer) line(kind, text string) {
	text = strings.NewReplacer("\n", "\nregpass:   ", "\r", `\r`, "\x1b", `\x1b`).Replace(strings.TrimSpace(text))
	fmt.Fprintf(p, "regpass: %s%s\n", kind, text)
}

func (p *printer) notef(format string, args ...any) { p.line("", fmt.Sprintf(format, args...)) }

// Note and Warn are broker.Reporter.
func (p *printer) Note(text string) { p.line("", text) }

// Warn prints a problem that ends nothing, with its hints.
func (p *printer) Warn(err error) { p.problem(action.Warning, err) }

// problem prints what is wrong and what can be done about it.
func (p *printer) problem(level action.Level, err error) {
	hints := regpass.Unique(regpass.Hints(err), func(h string) string { return h })
	if p.shows {
		p.annotate(level, err.Error(), hints)
		return
	}
	p.line(string(level)+": ", err.Error())
	for _, h := range hints {
		p.line("hint: ", h)
	}
}

// annotate is problem for a runner, which shows all of it in one place.
func (p *printer) annotate(level action.Level, text string, hints []string) {
	text = strings.Join(append([]string{text}, hints...), "\nhint: ")
	text = strings.NewReplacer("\r", `\r`, "\x1b", `\x1b`).Replace(text)
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = action.Annotate(p.out(), level, "regpass", string(p.known.Redact([]byte(text)))) // as with Write, there is nowhere to say so
}

// childExit is the exit code of a command that exec ran.
type childExit struct{ code int }

func (c childExit) Error() string { return fmt.Sprintf("the command exited with %d", c.code) }

// outcomes are the errors that decide the exit code; the first that an error is counts.
var outcomes = []struct {
	is   error
	code int
}{{regpass.ErrFound, exitFound}, {regpass.ErrNoIdentity, exitNoIdentity}, {regpass.ErrUsage, exitUsage}}

// finish prints how a command ended and says what to exit with.
func (p *printer) finish(ctx context.Context, err error) int {
	var child childExit
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &child):
		return child.code
	case errors.Is(ctx.Err(), context.Canceled):
		p.line("", "interrupted")
		return exitInterrupted
	}
	p.problem(action.Error, err)
	for _, o := range outcomes {
		if errors.Is(err, o.is) {
			return o.code
		}
	}
	return exitFailed
}
