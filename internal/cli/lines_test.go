package cli

import (
	"bytes"
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

func TestLinesAreWrittenWhole(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for _, c := range []struct{ in, want []string }{
		{nil, nil},
		{[]string{"a\n"}, []string{"a\n"}},
		{[]string{"#1 ", "a", "\n"}, []string{"#1 a\n"}},
		{[]string{"a\nb\nc", "d\n", "e"}, []string{"a\nb\n", "cd\n", "e\n"}},
		{[]string{"a\n", "", "\n"}, []string{"a\n", "\n"}},
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
	p := newPrinter(&out, jobLog)
	l := &lines{w: p}
	_, _ = l.Write([]byte("#7 0.1 working"))
	p.mask(regpass.NewSecret("s3cret-value"))
	_, _ = l.Write([]byte(" ##[stop-commands]x\r::stop-commands::y\n::stop-commands::z\n"))
	const want = "\n::add-mask::s3cret-value\n#7 0.1 working " +
		"##\\x5bstop-commands]x\r\\x3a:stop-commands::y\n\\x3a:stop-commands::z\n"
	if got := out.String(); !strings.HasPrefix(got, "::add-mask::") || !strings.HasSuffix(got, want) {
		t.Errorf("%q does not end in\n%q", got, want)
	}
}

// TestPrinterHoldsLinesBack holds that nothing but a mask comes between while a display moves the cursor.
func TestPrinterHoldsLinesBack(t *testing.T) {
	var out strings.Builder
	p := newPrinter(&out, jobLog)
	p.holdBack()
	p.notef("the token is eyJ-first")
	p.mask(regpass.NewSecret("eyJ-token"))
	p.notef("the token is eyJ-token")
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "::add-mask::") {
			t.Errorf("while lines are held back: %q", line)
		}
	}
	masks := out.String()
	p.release()
	p.notef("done")
	const lines = "regpass: the token is eyJ-first\nregpass: the token is ***\nregpass: done\n"
	if !strings.Contains(masks, "::add-mask::eyJ-token\n") || out.String() != masks+lines {
		t.Errorf("%q does not end in\n%q", out.String(), lines)
	}
}
