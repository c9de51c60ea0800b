package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regpass/regpass"
)

// recorder keeps every write.
type recorder struct{ all []string }

func (r *recorder) Write(p []byte) (int, error) {
	r.all = append(r.all, string(p))
	return len(p), nil
}

// TestWhatAClientIsToldIsRedacted holds that an error that a client shows keeps its kind and loses its secrets.
func TestWhatAClientIsToldIsRedacted(t *testing.T) {
	p := newPrinter(io.Discard, person, noVariables)
	p.mask(regpass.NewSecret("a-token-that-is-long"))
	a := &app{say: p}
	err := a.forClient(fmt.Errorf("the server said a-token-that-is-long: %w", regpass.ErrRefused))
	if !errors.Is(err, regpass.ErrRefused) || strings.Contains(err.Error(), "a-token") {
		t.Errorf("a client is told %q", err)
	}
	if a.forClient(nil) != nil {
		t.Error("no error became one")
	}
}

func TestLinesAreWrittenWhole(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for _, c := range []struct{ in, want []string }{
		{nil, nil},
		{[]string{"a\n"}, []string{"a\n"}},
		{[]string{"#1 ", "a", "\n"}, []string{"#1 a\n"}},
		{[]string{"a\nb\nc", "d\n", "e"}, []string{"a\nb\n", "cd\n", "e\n"}},
		{[]string{"a\n", "", "\n"}, []string{"a\n", "\n"}},
		{[]string{"\x1b]0;", "title\x07 \x1b[31mred\x1b[0m\n", "\x1b[2J"},
			[]string{"\\x1b]0;title\\x07 \x1b[31mred\x1b[0m\n", "\\x1b[2J\n"}},
		{[]string{long, "y", "z\n"}, []string{long + "y\n", "z\n"}},
	} {
		var out recorder
		l := &lines{w: &out}
		for _, text := range c.in {
			if n, err := l.Write([]byte(text)); n != len(text) || err != nil {
				t.Errorf("%d of %d bytes, %v", n, len(text), err)
			}
		}
		if err := l.Flush(); err != nil || !slices.Equal(out.all, c.want) {
			t.Errorf("%.40q: %.80q, %v", c.in, out.all, err)
		}
	}
}

// TestMaskComesBetweenLines has a mask given while a step is in the midst of a line, and a step that would stop a
// runner's commands.
func TestMaskComesBetweenLines(t *testing.T) {
	var out bytes.Buffer
	p := newPrinter(&out, jobLog, noVariables)
	l := &lines{w: p}
	_, _ = l.Write([]byte("#7 0.1 working"))
	p.mask(regpass.NewSecret("s3cret-value"))
	_, _ = l.Write([]byte(" ##[stop-commands]x\r::stop-commands::y\n::stop-commands::z\n"))
	const want = "\n::add-mask::s3cret-value\n#7 0.1 working " +
		"##\\x5bstop-commands]x\r\\x3a:stop-commands::y\n\\x3a:stop-commands::z\n"
	if got := out.String(); got != want { // another program may have begun the line before the mask
		t.Errorf("%q is not\n%q", got, want)
	}
}

// TestPrinterHoldsLinesBack holds that nothing but a mask comes between while a display moves the cursor.
func TestPrinterHoldsLinesBack(t *testing.T) {
	var out strings.Builder
	p := newPrinter(&out, jobLog, noVariables)
	p.holdBack()
	p.notef("the token is eyJ-first")
	p.mask(regpass.NewSecret("eyJ-token"))
	p.notef("the token is eyJ-token")
	if out.String() != "\n::add-mask::eyJ-token\n" {
		t.Errorf("while lines are held back: %q", out.String())
	}
	masks := out.String()
	p.release()
	p.notef("done")
	const lines = "regpass: the token is eyJ-first\nregpass: the token is ***\nregpass: done\n"
	if out.String() != masks+lines {
		t.Errorf("%q does not end in\n%q", out.String(), lines)
	}
}

func noVariables(string) string { return "" }

// TestNoCommandIsPrinted holds that a mask is given only where the runner obeys it: not behind half a line, not in a
// file, and not once a command runs.
func TestNoCommandIsPrinted(t *testing.T) {
	var out bytes.Buffer
	p := newPrinter(&out, jobLog, noVariables)
	p.mask(regpass.NewSecret("first-secret"))
	_, _ = p.Write([]byte("half a line"))
	p.mask(regpass.NewSecret("second-secret"), regpass.NewSecret("third-secret"))
	p.endCommands()
	p.mask(regpass.NewSecret("fourth-secret"))
	p.notef("fourth-secret")
	const want = "\n::add-mask::first-secret\nhalf a line\n::add-mask::second-secret\n::add-mask::third-secret\n" +
		"regpass: ***\n"
	if got := out.String(); got != want {
		t.Errorf("got %q", got)
	}

	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, r := range []reader{jobLog, actionStep} {
		p := newPrinter(file, r, noVariables)
		p.mask(regpass.NewSecret("a-secret"))
		err := p.maskWords(regpass.NewSecret("Basic a-secret"))
		if (err != nil) != (r == actionStep) { // its outputs would be shown
			t.Errorf("reader %d: %v", r, err)
		}
	}
	if got, err := os.ReadFile(file.Name()); err != nil || len(got) > 0 {
		t.Errorf("the file holds %q, %v", got, err)
	}
}

// TestLinesWhileACommandHasTheTerminal holds that a line begins at the left where the terminal is in raw mode.
func TestLinesWhileACommandHasTheTerminal(t *testing.T) {
	var out strings.Builder
	p := newPrinter(&out, person, noVariables)
	p.tty = true
	p.notef("before")
	p.endCommands()
	p.notef("renewed")
	if out.String() != "regpass: before\nregpass: renewed\r\n" {
		t.Errorf("%q", out.String())
	}
}

// TestNoTextIsACommand holds that no runner takes text of a server or of a build step for a command, whoever reads it.
func TestNoTextIsACommand(t *testing.T) {
	for _, r := range []reader{person, jobLog, actionStep} {
		var out bytes.Buffer
		p := newPrinter(&out, r, noVariables)
		l := &lines{w: p}
		_, _ = l.Write([]byte("#7 0.1 x ##vso[task.setvariable variable=PATH]/evil\n##teamcity[x] ##[error]y\n"))
		p.line("", "a ##vso[task.complete result=Succeeded;]")
		for _, begin := range []string{"##vso[", "##teamcity[", "##["} {
			if strings.Contains(out.String(), begin) {
				t.Errorf("reader %d: %q", r, out.String())
			}
		}
	}
}
