package regpass

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// minRedact is the length of the shortest form that is replaced, in bytes: shorter ones stand in harmless output too.
const minRedact = 4

// redacted replaces a secret.
const redacted = "***"

// Derived lists the forms in which a secret shows up in output and files, longest first: plain, URL-encoded, quoted, as
// JSON, as hex, and inside the base64 and base64url of any text that holds it (three shifts each).
func Derived(s Secret) []string {
	v := s.Reveal()
	if len(v) < minRedact {
		return nil
	}
	j, _ := json.Marshal(v)
	q, x := strconv.Quote(v), hex.EncodeToString([]byte(v))
	all := []string{v, url.QueryEscape(v), url.PathEscape(v), url.UserPassword("", v).String()[1:],
		q[1 : len(q)-1], string(j[1 : len(j)-1]), x, strings.ToUpper(x)}
	for shift := range 3 {
		// The first characters also depend on the text before v, and the last on the text after it: drop both.
		in := append(make([]byte, shift), v...)
		first := (shift*8 + 5) / 6
		last := len(in) * 8 / 6
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			all = append(all, enc.EncodeToString(in)[first:last])
		}
	}
	return longestFirst(all)
}

// withoutBreaks drops the line breaks in text.
func withoutBreaks(text string) string {
	return strings.NewReplacer("\r", "", "\n", "").Replace(text)
}

// forms lists the derived forms of a secret as they are looked for, without their line breaks.
func forms(s Secret) (all []string) {
	for _, form := range Derived(s) {
		if form = withoutBreaks(form); len(form) >= minRedact {
			all = append(all, form)
		}
	}
	return all
}

// Redactor replaces a growing set of secrets by ***. Line breaks do not hide a secret: base64 breaks its lines after 76
// characters, xxd -p after 60, and Rich at the width of the terminal. It may be used by several goroutines.
type Redactor struct {
	mu       sync.Mutex // guards patterns and secrets, and the order of matchers
	patterns []string
	secrets  []Secret
	m        atomic.Pointer[matcher]
}

// NewRedactor makes a Redactor for all derived forms of the secrets.
func NewRedactor(secrets ...Secret) *Redactor {
	r := &Redactor{}
	r.Add(secrets...)
	return r
}

// Add adds the derived forms of further secrets. It counts from the next call of any other method or Writer on.
func (r *Redactor) Add(secrets ...Secret) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range secrets {
		r.patterns = append(r.patterns, forms(s)...)
	}
	r.secrets = append(r.secrets, secrets...)
	r.m.Store(newMatcher(slices.Clone(r.patterns)))
}

// Redact returns a copy of text with every secret in it replaced, together with the line breaks inside of it.
func (r *Redactor) Redact(text []byte) []byte {
	out, _, _ := r.m.Load().redact(nil, text, 0, true)
	return out
}

// Writer returns a filter in front of w that also replaces secrets that are split over several writes. It holds back
// only text that could be the beginning of a secret, and at the end of a line only if that is more than a few letters:
// if the secret goes on behind such a line end, those letters have been shown. It is for one goroutine.
func (r *Redactor) Writer(w io.Writer) *RedactingWriter { return &RedactingWriter{set: r, w: w} }

// RedactingWriter is made by Redactor.Writer.
type RedactingWriter struct {
	set  *Redactor
	w    io.Writer
	held []byte // the end of the text so far, which may be the beginning of a secret
	// shown is how much of held was passed on already.
	shown int
	out   []byte // buffer, kept for the next write
}

// Write passes p on with secrets replaced, in at most one write. It reports all of p as written unless w fails.
func (w *RedactingWriter) Write(p []byte) (int, error) {
	text := p
	if len(w.held) > 0 {
		w.held = append(w.held, p...)
		text = w.held
	}
	out, rest, shown := w.set.m.Load().redact(w.out[:0], text, w.shown, false)
	w.out, w.held, w.shown = out, append(w.held[:0], rest...), shown
	if err := w.pass(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush writes the text that is still held back; call it after the last Write.
func (w *RedactingWriter) Flush() error {
	out, _, _ := w.set.m.Load().redact(w.out[:0], w.held, w.shown, true)
	w.out, w.held, w.shown = out, w.held[:0], 0
	return w.pass(out)
}

// Pause passes on what was held back only because a few letters could be the first of a secret, as at the end of a
// line. Call it when no more text has come for a while and somebody waits for it.
func (w *RedactingWriter) Pause() error {
	m := w.set.m.Load()
	_, hold := m.unfinished(w.held, 0, true)
	start, _ := m.find(w.held, 0)
	hold = min(hold, start)
	if hold <= w.shown {
		return nil
	}
	text := w.held[w.shown:hold]
	w.shown = hold
	return w.pass(text)
}

func (w *RedactingWriter) pass(out []byte) error {
	if len(out) == 0 {
		return nil
	}
	n, err := w.w.Write(out)
	if err == nil && n < len(out) {
		err = io.ErrShortWrite
	}
	return err
}
