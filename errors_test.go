package regpass

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestOutcomes(t *testing.T) {
	cause := io.ErrUnexpectedEOF
	for _, c := range []struct {
		name string
		err  error
		is   error
		not  error
		text string
	}{
		{"usage", Usagef("--to %s: no such sink", "x"), ErrUsage, ErrNoIdentity, "--to x: no such sink"},
		{"no identity", NoIdentityf("no CI here"), ErrNoIdentity, ErrUsage, "no CI here"},
		{"wrapped", fmt.Errorf("token: %w", Usagef("bad")), ErrUsage, ErrFound, "token: bad"},
		{"keeps its cause", Usagef("read: %w", cause), cause, ErrNoIdentity, "read: unexpected EOF"},
		{"hinted", Hintf(Usagef("bad"), "do good"), ErrUsage, ErrNoIdentity, "bad"},
		{"joined", errors.Join(io.EOF, NoIdentityf("none")), ErrNoIdentity, ErrUsage, "EOF\nnone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !errors.Is(c.err, c.is) || errors.Is(c.err, c.not) || c.err.Error() != c.text {
				t.Errorf("%q is %v: %v, is %v: %v", c.err, c.is, errors.Is(c.err, c.is), c.not, errors.Is(c.err, c.not))
			}
		})
	}
}

func TestHints(t *testing.T) {
	base := errors.New("refused")
	inner := Hintf(base, "permit %s", "it")
	for _, c := range []struct {
		name string
		err  error
		want []string
	}{
		{"none", base, nil},
		{"no error", Hintf(nil, "x"), nil},
		{"one", inner, []string{"permit it"}},
		{"wrapped", fmt.Errorf("a: %w", inner), []string{"permit it"}},
		{"nearest to the cause last", Hintf(fmt.Errorf("a: %w", inner), "outer"), []string{"outer", "permit it"}},
		{"below an outcome", Usagef("b: %w", inner), []string{"permit it"}},
		{"of every joined error", errors.Join(inner, base, Hintf(base, "second")), []string{"permit it", "second"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Hints(c.err); !slices.Equal(got, c.want) {
				t.Errorf("got %q", got)
			}
		})
	}
	if Hintf(nil, "x") != nil {
		t.Error("a hint makes an error of none")
	}
}

func TestQuote(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain", "not found", `"not found"`},
		{"line end", "a\n::set-output name=x::y", `"a\n::set-output name=x::y"`},
		{"terminal", "\x1b[2J\u202e", `"\x1b[2J\u202e"`},
		{"runner command", "a ##[error]b", `"a ##\x5berror]b"`},
		{"invalid UTF-8", "\xff", `"\xff"`},
		{"long", strings.Repeat("x", 301), `"` + strings.Repeat("x", 300) + `"…`},
		{"just short enough", strings.Repeat("x", 300), `"` + strings.Repeat("x", 300) + `"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Quote(c.text); got != c.want {
				t.Errorf("got %s", got)
			}
		})
	}
}

func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "##[", "###[[", "\x1b[31m", "::error::", strings.Repeat("é", 200)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Quote(text)
		for _, b := range []byte(strings.TrimSuffix(got, "…")) {
			if b < ' ' || b > '~' {
				t.Fatalf("%s holds the byte %#x", got, b)
			}
		}
		if strings.Contains(got, "##[") {
			t.Fatalf("%s is a runner command", got)
		}
		back, err := strconv.Unquote(strings.TrimSuffix(got, "…"))
		if err != nil || back != text[:min(len(text), maxQuote)] {
			t.Fatalf("%s reads back as %q, %v", got, back, err)
		}
	})
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "",
		"a\tb\r\nc \u00e9 \u2192": "a\tb\r\nc \u00e9 \u2192",
		"\x1b[1;31mred\x1b[m":     "\x1b[1;31mred\x1b[m",
		"\x1b]0;title\x07":        `\x1b]0;title\x07`,
		"\x1b]52;c;eA==\x1b\\":    `\x1b]52;c;eA==\x1b\`,
		"\x1b[2J\x1b[31m":         `\x1b[2J` + "\x1b[31m",
		"\u009b2J\x7f\x00\x1b":    `\x9b2J\x7f\x00\x1b`,
	} {
		if got := Printable(text); got != want {
			t.Errorf("%q: %q, not %q", text, got, want)
		}
	}
}
