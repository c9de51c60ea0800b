package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/action"
	"github.com/regpass/regpass/envsync"
)

// Messages for people go to standard error. Each line begins with "regpass: ", in lower case, and ends with no full
// stop. Standard output holds only what the command was asked for. Only this file prints errors and picks exit codes.

// Exit codes; `regpass help exit-codes` explains them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitFound       = 3
	exitNoIdentity  = 4
	exitRefused     = 5
	exitInterrupted = 130
)

// reader is who reads standard error.
type reader int

const (
	person     reader = iota
	jobLog            // a GitHub runner, which takes commands from the stream, such as ::add-mask::
	actionStep        // as jobLog, in a step of the GitHub Action: errors and warnings become annotations
)

// printer writes lines to standard error, with every known secret replaced.
type printer struct {
	mu      sync.Mutex
	raw     io.Writer
	reader  reader
	getenv  func(string) string
	tty     bool // raw is a terminal
	color   bool // which shows colors
	midLine bool // raw may be in the midst of a line, where a runner finds no command
	quiet   bool // only errors are printed
	paused  bool // no commands are given to the runner; see endCommands
	known   *regpass.Redactor
	masked  map[string]bool // fingerprints
	maskErr error           // why the runner could not be told to hide a secret
	held    *bytes.Buffer   // lines for release to write; nil: lines are written at once
}

func newPrinter(raw io.Writer, r reader, getenv func(string) string) *printer {
	p := &printer{raw: raw, reader: r, getenv: getenv, known: regpass.NewRedactor(), masked: map[string]bool{}}
	if f, ok := raw.(*os.File); ok {
		p.tty = term.IsTerminal(int(f.Fd()))
		p.color = p.tty && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb" // https://no-color.org
	}
	switch {
	case r != person && isPlainFile(raw): // nobody obeys a command there, and it would show the secret
		p.reader = person
		if r == actionStep {
			p.maskErr = regpass.Hintf(errors.New("action: standard error is a file, so the runner hides no secret"),
				"run the action as its launchers do")
		}
	case r == jobLog: // an earlier command of the step may have left half a line
		p.midLine = true
	}
	return p
}

// isPlainFile reports whether a stream goes to a file on disk.
func isPlainFile(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode().IsRegular()
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
		if p.givesCommands() {
			p.endLine()
			p.maskErr = errors.Join(p.maskErr, action.Mask(p.raw, s, p.getenv))
		}
	}
}

// endLine ends a line that may be unfinished. p.mu is held.
func (p *printer) endLine() {
	if p.midLine {
		_, _ = io.WriteString(p.raw, "\n") // if that fails, the command behind it does too
		p.midLine = false
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

// maskWords has the runner hide every word of text that contains a known secret, as a whole: base64("user:token") has
// ends that a mask of the token leaves visible. The error joins all failures to mask so far, those of mask too.
func (p *printer) maskWords(text regpass.Secret) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.givesCommands() {
		p.endLine()
		p.maskErr = errors.Join(p.maskErr, action.MaskIn(p.raw, text, p.known))
	}
	return p.maskErr
}

// givesCommands reports whether a runner would obey a command on the stream. p.mu is held.
func (p *printer) givesCommands() bool { return p.reader != person && !p.paused }

// endCommands gives the runner no commands any more. A command that exec runs writes to the same stream: it may be in
// the midst of a line, and may have stopped the runner's commands (::stop-commands::), so that a mask would be printed
// instead of obeyed, also after the command has ended.
func (p *printer) endCommands() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = true
}

// Write lets the printer be regpass.Env.Stderr: whole lines come out redacted, and no runner takes one for a command.
// Text that only people and the runners of other CI systems read keeps a "::" at the start of a line.
func (p *printer) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := string(p.known.Redact(b))
	if p.reader == person {
		out = regpass.Inert(out)
	} else {
		out = action.Harmless(out)
	}
	if p.tty && p.paused { // a command has a terminal of its own, and this one is in raw mode
		out = strings.ReplaceAll(out, "\n", "\r\n")
	}
	if p.held == nil && out != "" {
		p.midLine = !strings.HasSuffix(out, "\n")
	}
	_, err := io.WriteString(p.out(), out)
	return len(b), err
}

// line prints one message. Text from outside is already quoted in it, and Write makes sure once more that a GitHub
// runner takes no line for a command.
func (p *printer) line(kind, text string) {
	if p.quiet && kind != errorKind && kind != hintKind {
		return
	}
	text = strings.NewReplacer("\n", "\nregpass:   ", "\r", `\r`, "\x1b", `\x1b`).Replace(strings.TrimSpace(text))
	if code := colors[kind]; p.color && code != "" {
		kind = "\x1b[" + code + "m" + kind + "\x1b[0m"
	}
	fmt.Fprintf(p, "regpass: %s%s\n", kind, text)
}

// The kinds of lines. Notes have none.
const (
	errorKind   = "error: "
	warningKind = "warning: "
	hintKind    = "hint: "
)

// colors are those of the kinds of lines (ECMA-48, SGR): red, yellow and cyan.
var colors = map[string]string{errorKind: "1;31", warningKind: "1;33", hintKind: "36"}

func (p *printer) notef(format string, args ...any) { p.line("", fmt.Sprintf(format, args...)) }

// Note and Warn are the methods of broker.Reporter.
func (p *printer) Note(text string) { p.line("", text) }

// Warn prints an error that does not end the command, with its hints.
func (p *printer) Warn(err error) { p.problem(action.Warning, err) }

// plan prints the notes and the warnings of a plan.
func (p *printer) plan(plan envsync.Plan) {
	for _, text := range plan.Notes {
		p.Note(text)
	}
	p.warnings(plan.Warnings)
}

// warnings prints warnings that are plain text, such as those of a plan.
func (p *printer) warnings(texts []string) {
	for _, text := range regpass.Unique(texts, strings.Clone) {
		p.line(warningKind, text)
	}
}

// problem prints an error or a warning, and its hints.
func (p *printer) problem(level action.Level, err error) {
	if p.quiet && level != action.Error {
		return
	}
	hints := regpass.Unique(regpass.Hints(err), func(h string) string { return h })
	if p.reader == actionStep {
		for i, h := range hints {
			hints[i] = inInputs.Replace(h)
		}
		p.annotate(level, err.Error(), hints)
		return
	}
	p.line(string(level)+": ", err.Error())
	for _, h := range hints {
		p.line(hintKind, h)
	}
}

// annotate gives a runner the text and its hints as one annotation.
func (p *printer) annotate(level action.Level, text string, hints []string) {
	text = strings.Join(append([]string{text}, hints...), "\nhint: ")
	text = strings.NewReplacer("\r", `\r`, "\x1b", `\x1b`).Replace(text)
	p.mu.Lock()
	defer p.mu.Unlock()
	text = string(p.known.Redact([]byte(text)))
	_ = action.Annotate(p.out(), level, "regpass", text) // as with Write, there is nowhere to report an error
}

// childExit is the exit code of a command that exec ran.
type childExit struct{ code int }

func (c childExit) Error() string { return fmt.Sprintf("the command exited with %d", c.code) }

// outcomes lists the errors that have an exit code of their own. The first match counts.
var outcomes = []struct {
	is   error
	code int
}{{regpass.ErrFound, exitFound}, {regpass.ErrNoIdentity, exitNoIdentity}, {regpass.ErrUsage, exitUsage},
	{regpass.ErrRefused, exitRefused}}

// finish prints the error that ended the command, if any, and returns the exit code.
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
