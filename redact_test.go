package regpass

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestRedactForms(t *testing.T) {
	const v = `tok "a/b+c?d&e` + `\f=g;h`
	r := NewRedactor(NewSecret(v))
	j, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var plain bytes.Buffer
	e := json.NewEncoder(&plain)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"as it is":            v,
		"in a query":          url.QueryEscape(v),
		"in a path":           url.PathEscape(v),
		"in user information": strings.TrimPrefix(url.UserPassword("", v).String(), ":"),
		"in JSON for a page":  strings.Trim(string(j), `"`),
		"in JSON":             strings.TrimSuffix(strings.TrimPrefix(plain.String(), `"`), "\"\n"),
		"quoted by Go":        strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%q", v), `"`), `"`),
		"hex":                 fmt.Sprintf("%x", v),
		"HEX":                 fmt.Sprintf("%X", v),
	} {
		if got := string(r.Redact([]byte("<" + text + ">"))); got != "<***>" {
			t.Errorf("%s: %s became %s", name, text, got)
		}
	}
	for shift := range 3 {
		for name, enc := range map[string]*base64.Encoding{"base64": base64.StdEncoding, "base64url": base64.RawURLEncoding} {
			text := enc.EncodeToString([]byte(strings.Repeat("u", shift) + v + ":rest"))
			got := string(r.Redact([]byte(text)))
			// All but what the neighbours' bits are part of.
			if before, after, found := strings.Cut(got, "***"); !found || len(before) > 3 || len(after) > 11 {
				t.Errorf("%s with %d bytes before: %s became %s", name, shift, text, got)
			}
		}
	}
}

func TestDerived(t *testing.T) {
	for _, v := range []string{"", "a", "abc"} {
		if got := Derived(NewSecret(v)); got != nil {
			t.Errorf("%q is looked for as %q", v, got)
		}
	}
	for _, v := range []string{"abcd", "pyx_abc/def+ghi", "\xff\xfe\xfd\xfc", strings.Repeat("a", 1000)} {
		got := Derived(NewSecret(v))
		if !slices.Contains(got, v) || !slices.IsSortedFunc(got, func(a, b string) int { return len(b) - len(a) }) {
			t.Errorf("%q is looked for as %q", v, got)
		}
		for i, form := range got {
			if len(form) < minRedact || slices.Contains(got[:i], form) {
				t.Errorf("%q is looked for as %q", v, got)
			}
		}
	}
}

func TestRedactOverlaps(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		secrets          []string
	}{
		{"no secrets", "abcd", "abcd", nil},
		{"nothing", "", "", []string{"abcd"}},
		{"longest of two that begin alike", "xabcdefgh.", "x***.", []string{"abcd", "abcdefgh"}},
		{"shorter where the longer breaks off", "xabcdefg.", "x***efg.", []string{"abcd", "abcdefgh"}},
		{"one inside the other", "xabcdefgh.", "x***.", []string{"cdef", "abcdefgh"}},
		{"inner where the outer breaks off", "xabcdefg.", "xab***g.", []string{"cdef", "abcdefgh"}},
		{"leftmost of two that overlap", "abcdefgh", "***gh", []string{"abcdef", "cdefgh"}},
		{"side by side", "abcdefgh", "******", []string{"abcd", "efgh"}},
		{"overlaps itself", "ababababa", "******a", []string{"abab"}},
		{"a run", "aaaaaaaaaa", "******aa", []string{"aaaa"}},
		{"ends in what begins it", "abcabcabcd", "abc***", []string{"abcabcd"}},
		{"breaks off at the end", "xabc", "xabc", []string{"abcd"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := NewRedactor()
			for _, s := range c.secrets {
				r.Add(NewSecret(s))
			}
			if got := string(r.Redact([]byte(c.text))); got != c.want {
				t.Errorf("got %s", got)
			}
			var out strings.Builder
			w := r.Writer(&out)
			for i := range len(c.text) {
				if n, err := w.Write([]byte{c.text[i]}); n != 1 || err != nil {
					t.Fatal(n, err)
				}
			}
			if err := w.Flush(); err != nil || out.String() != c.want {
				t.Errorf("byte by byte it is %s, %v", out.String(), err)
			}
		})
	}
}

// writes remembers each write apart.
type writes []string

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, string(p))
	return len(p), nil
}

func TestWriterHoldsBackLittle(t *testing.T) {
	r := NewRedactor(NewSecret("secret-value"))
	var got writes
	w := r.Writer(&got)
	for _, p := range []string{
		"line\n", "a secret-value and secret-value\n", "prompt: ", "secre", "cy\n", "", "s", "ecret-valu", "e", "x sec",
	} {
		if _, err := io.WriteString(w, p); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	want := writes{"line\n", "a *** and ***\n", "prompt: ", "secrecy\n", "***", "x ", "sec"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// A line is held back only if it ends in more than a few of a secret's first letters. Nothing is shown twice.
func TestWriterHoldsBackFewLines(t *testing.T) {
	r := NewRedactor(NewSecret("secret-value-of-thirty-letters"), NewSecret("short"))
	for _, c := range []struct {
		in   []string
		want writes
	}{
		{[]string{"it ends in s\n", "next\n"}, writes{"it ends in s\n", "next\n"}},
		{[]string{"secret-\n", "value-of-thirty-letters\n"}, writes{"secret-\n", "***\n"}},
		{[]string{"secret-\n", "value is fine\n"}, writes{"secret-\n", "value is fine\n"}},
		{[]string{"secret-v\r\n", "alue-of-thirty-", "letters"}, writes{"***"}},
		{[]string{"secret-v\n", "\n", "end\n"}, writes{"secret-v\n\nend\n"}},
		{[]string{"sh\n", "ort\n"}, writes{"***\n"}},
		{[]string{"sh\n"}, writes{"sh\n"}},
		{[]string{"s\nh\n", "ort"}, writes{"***"}},
	} {
		var got writes
		w := r.Writer(&got)
		for _, p := range c.in {
			if _, err := io.WriteString(w, p); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, %v", c.in, got, err)
		}
	}
}

func TestWriterLeavesItsInputAlone(t *testing.T) {
	w := NewRedactor(NewSecret("secret-value")).Writer(io.Discard)
	for _, s := range []string{"a secret-value b sec", "ret-value secret-va"} {
		p := []byte(s)
		if _, err := w.Write(p); err != nil || string(p) != s {
			t.Errorf("%q became %q, %v", s, p, err)
		}
	}
}

// failing fails, or takes a byte too few.
type failing struct{ err error }

func (f failing) Write(p []byte) (int, error) { return max(0, len(p)-1), f.err }

func TestWriterTellsOfFailure(t *testing.T) {
	full := errors.New("disk full")
	for _, c := range []struct{ behind, want error }{{full, full}, {nil, io.ErrShortWrite}} {
		w := NewRedactor(NewSecret("secret-value")).Writer(failing{c.behind})
		if n, err := w.Write([]byte("line sec")); n != 0 || !errors.Is(err, c.want) {
			t.Errorf("Write: %d, %v", n, err)
		}
		if err := w.Flush(); !errors.Is(err, c.want) {
			t.Errorf("Flush: %v", err)
		}
	}
}

func TestAddWhileWriting(t *testing.T) {
	r := NewRedactor()
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := range 20 {
				own := fmt.Sprintf("secret-%d-%d!", i, n)
				r.Add(NewSecret(own))
				if got := string(r.Redact([]byte("<" + own + ">"))); got != "<***>" {
					t.Errorf("just after it was added %s became %s", own, got)
				}
			}
		})
	}
	wg.Wait()
	if got := string(r.Redact([]byte("secret-0-0! secret-3-19!"))); got != "*** ***" {
		t.Errorf("in the end: %s", got)
	}
}

func TestWriterAllocatesNothing(t *testing.T) {
	w := NewRedactor(secretsForBench()...).Writer(io.Discard)
	line := []byte("Downloading https://files.example.com/simple/acme-tool/ (1.2 MB)\n")
	if n := testing.AllocsPerRun(100, func() { _, _ = w.Write(line) }); n != 0 {
		t.Errorf("%v allocations a line", n)
	}
}

// naive is what redacting means: at each place from the left the longest form, apart from line breaks inside of it,
// else the byte as it is.
func naive(text []byte, forms []string) []byte {
	var out []byte
	for i := 0; i < len(text); {
		longest, taken := 0, 0
		for _, f := range forms {
			f, n, k := withoutBreaks(f), 0, 0
			for ; i+n < len(text) && k < len(f) && (text[i+n] == f[k] || k > 0 && isBreak(text[i+n])); n++ {
				if !isBreak(text[i+n]) {
					k++
				}
			}
			if len(f) >= minRedact && k == len(f) && k > longest {
				longest, taken = k, n
			}
		}
		if longest == 0 {
			out = append(out, text[i])
			i++
			continue
		}
		out = append(out, redacted...)
		i += taken
	}
	return out
}

// wrapped breaks text into lines of at most width bytes.
func wrapped(text string, width int, lineEnd string) string {
	var lines []string
	for line := range slices.Chunk([]byte(text), width) {
		lines = append(lines, string(line))
	}
	return strings.Join(lines, lineEnd)
}

// TestRedactWrapped has programs break a secret into lines, and write them in pieces of every size.
func TestRedactWrapped(t *testing.T) {
	const secret = "pyx_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789-0123456789-0123456789"
	r := NewRedactor(NewSecret(secret), NewSecret("another-secret-that-is-short"))
	pair := base64.StdEncoding.EncodeToString([]byte("__token__:" + secret))
	for _, c := range []struct {
		name, text string
		width      int
	}{
		{"base64", pair, 76}, {"openssl base64", pair, 64}, {"xxd -p", hex.EncodeToString([]byte(secret)), 60},
		{"Rich", "The token of this job is " + secret, 80}, {"one letter a line", secret, 1},
	} {
		for _, lineEnd := range []string{"\n", "\r\n"} {
			text := []byte("first line" + lineEnd + wrapped(c.text, c.width, lineEnd) + lineEnd + "last line" + lineEnd)
			want := string(r.Redact(text))
			if got := strings.Count(want, "***"); got != 1 || !strings.HasSuffix(want, lineEnd+"last line"+lineEnd) {
				t.Errorf("%s became %q", c.name, want)
			}
			if len(r.Find(text)) != 1 || len(r.Find([]byte(want))) > 0 {
				t.Errorf("%s: found %v", c.name, r.Find(text))
			}
			for size := 1; size <= len(text); size++ {
				var out strings.Builder
				w := r.Writer(&out)
				for p := range slices.Chunk(text, size) {
					if _, err := w.Write(p); err != nil {
						t.Fatal(err)
					}
				}
				if err := w.Flush(); err != nil {
					t.Fatal(err)
				}
				// A line end in a secret's first letters may have been passed on with these.
				before, after, ok := strings.Cut(withoutBreaks(out.String()), "***")
				wantBefore, wantAfter, _ := strings.Cut(withoutBreaks(want), "***")
				shown, same := strings.CutPrefix(before, wantBefore)
				if !ok || !same || after != wantAfter || len(shown) > 7 {
					t.Errorf("%s in pieces of %d became %q", c.name, size, out.String())
				}
			}
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("some text ", "secret-value", "secret", uint64(1))
	f.Add("aaaaaaa", "aaaa", "aaaaab", uint64(2))
	f.Add("x\"\n", "a/b+c\"d", "%2F%", uint64(3))
	f.Add("e30.", "eyJhbGciOiJub25lIn0.e30.", "abababab", uint64(4))
	f.Fuzz(func(t *testing.T, filler, a, b string, seed uint64) {
		if len(a) > 200 || len(b) > 200 || len(filler) > 1000 {
			return
		}
		rnd := rand.New(rand.NewPCG(seed, 0))
		var forms []string
		r := NewRedactor()
		text := []byte(filler)
		for _, v := range []string{a, b} {
			s := NewSecret(v)
			r.Add(s)
			forms = append(forms, Derived(s)...)
			for _, form := range []string{
				v, base64.StdEncoding.EncodeToString([]byte("u:" + v)),
				base64.RawURLEncoding.EncodeToString([]byte("u:u" + v + "x")),
				url.QueryEscape(v), hex.EncodeToString([]byte(v)), v[:len(v)/2],
			} {
				if width := rnd.IntN(30); width > 0 && seed%2 == 1 {
					form = wrapped(form, width, "\n")
				}
				at := rnd.IntN(len(text) + 1)
				text = slices.Insert(text, at, []byte(form)...)
			}
		}
		want := naive(text, forms)
		if got := r.Redact(text); !bytes.Equal(got, want) {
			t.Fatalf("in one piece %q became %q and not %q", text, got, want)
		}
		var out bytes.Buffer
		w := r.Writer(&out)
		for rest := text; len(rest) > 0; {
			n := min(rnd.IntN(1+rnd.IntN(40)), len(rest))
			if _, err := w.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		// At the end of a line the first letters of a secret may have been shown.
		if !bytes.Equal(out.Bytes(), want) && !bytes.ContainsAny(text, "\r\n") {
			t.Fatalf("in pieces %q became %q and not %q", text, out.Bytes(), want)
		}
		for _, form := range forms {
			form, left := withoutBreaks(form), withoutBreaks(out.String())
			if len(form) >= minRedact && !strings.Contains(form, "*") && strings.Contains(left, form) {
				t.Fatalf("%q is still in %q", form, out.Bytes())
			}
		}
		holds := slices.ContainsFunc(forms, func(f string) bool {
			return strings.Contains(withoutBreaks(filler), withoutBreaks(f))
		})
		if got := r.Redact([]byte(filler)); !holds && string(got) != filler {
			t.Fatalf("%q holds no secret and became %q", filler, got)
		}
	})
}

// secretsForBench makes ten secrets as a job has them: identity tokens, registry tokens and API keys.
func secretsForBench() []Secret {
	var all []Secret
	for i := range 10 {
		sum := sha256.Sum256([]byte{byte(i)})
		long := base64.RawURLEncoding.EncodeToString(bytes.Repeat(sum[:], 8))
		value := []string{
			"eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9." + long + "." + long,
			"pyx_" + hex.EncodeToString(sum[:]),
			"pfx_" + base64.StdEncoding.EncodeToString(sum[:24]),
		}[i%3]
		all = append(all, NewSecret(value))
	}
	return all
}

// logText is what package clients and compilers print, about a megabyte of it, with a secret in every some 50 kB.
func logText(secrets []Secret) []byte {
	lines := []string{
		"  × No solution found when resolving dependencies: because acme-tool==%d.2.3 depends on numpy>=2.0",
		"Downloading https://files.example.com/packages/ab/cd/ef0123456789abcdef%06d/" +
			"acme_tool-1.2.3-py3-none-any.whl (1.2 MB)",
		"#12 [builder 4/7] RUN --mount=type=secret,id=netrc uv sync --frozen --no-dev  %d.4s done",
		"   Compiling serde_derive v1.0.%d " +
			"(/home/runner/work/acme/acme/target/release/deps/libserde_derive-3f1b2c4d5e6f7a8b.so)",
		"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 %d / 4096",
		"INFO 2026-11-20T12:34:56.%03dZ GET /simple/acme-tool/ 200 Authorization: Bearer [hidden]",
	}
	var out bytes.Buffer
	for n := 0; out.Len() < 1<<20; n++ {
		fmt.Fprintf(&out, lines[n%len(lines)]+"\n", n)
		if n%500 == 0 {
			fmt.Fprintf(&out, "token=%s\n", secrets[n/500%len(secrets)].Reveal())
		}
	}
	return out.Bytes()
}

func BenchmarkRedact(b *testing.B) {
	secrets := secretsForBench()
	text := logText(secrets)
	short := append(slices.Clone(secrets), NewSecret("hunter22"))
	run := []Secret{NewSecret(strings.Repeat("a", 2000) + "b")}
	for _, c := range []struct {
		name    string
		secrets []Secret
		text    []byte
		write   int // bytes a time
	}{
		{"log", secrets, text, 32 << 10},
		{"log by lines", secrets, text, 100},
		{"log with a short password", short, text, 32 << 10},
		{"run of a secret's first byte", secrets, bytes.Repeat([]byte("e"), 1<<20), 32 << 10},
		{"secret in single bytes", secrets, []byte(secrets[0].Reveal()), 1},
		{"secret that is nearly a run", run, bytes.Repeat([]byte("a"), 1<<20), 32 << 10},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := NewRedactor(c.secrets...)
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				w := r.Writer(io.Discard)
				for p := range slices.Chunk(c.text, c.write) {
					if _, err := w.Write(p); err != nil {
						b.Fatal(err)
					}
				}
				if err := w.Flush(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
