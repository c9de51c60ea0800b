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

// minRedact is the shortest form that is looked for, in bytes: replacing shorter ones would tear up harmless output.
const minRedact = 4

// stars is what stands in for a redacted value.
const stars = "***"

// Derived lists the forms in which a secret shows up in output and files: as it is, URL-encoded, quoted, as JSON, as
// hex, and inside the base64 and base64url of any text that holds it (three shifts each). Longest first.
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
		// The first characters also depend on what stands before v, the last on what follows: keep what only v decides.
		in := append(make([]byte, shift), v...)
		first := (shift*8 + 5) / 6
		last := len(in) * 8 / 6
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			all = append(all, enc.EncodeToString(in)[first:last])
		}
	}
	return longestFirst(all)
}

// longestFirst sorts all and drops what is in it twice.
func longestFirst(all []string) []string {
	slices.SortFunc(all, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(all)
}

// matcher finds the leftmost longest of many patterns by the Wu–Manber algorithm with blocks of two bytes: it looks
// at one position in about every shortest pattern's length.
type matcher struct {
	longest, shortest int           // in bytes; at least minRedact
	shift             []uint16      // how far to go on, by the two bytes that end the window; 0: a candidate
	ending            [256][]string // patterns by the last byte of their first `shortest`, longest first
	starting          [256][]string // patterns by their first byte
	used              [256]bool     // bytes that occur in a pattern
}

func newMatcher(patterns []string) *matcher {
	if len(patterns) == 0 {
		return &matcher{}
	}
	patterns = longestFirst(patterns)
	m := &matcher{longest: len(patterns[0]), shortest: len(patterns[len(patterns)-1])}
	m.shift = slices.Repeat([]uint16{uint16(min(m.shortest-1, 1<<16-1))}, 1<<16)
	for _, p := range patterns {
		for i := 1; i < m.shortest; i++ {
			b := block(p[i-1], p[i])
			m.shift[b] = min(m.shift[b], uint16(min(m.shortest-1-i, 1<<16-1)))
		}
		end := p[m.shortest-1]
		m.ending[end] = append(m.ending[end], p)
		m.starting[p[0]] = append(m.starting[p[0]], p)
		for i := range len(p) {
			m.used[p[i]] = true
		}
	}
	return m
}

func block(first, second byte) uint16 { return uint16(first)<<8 | uint16(second) }

// find returns the first match in text that begins at from or later, or len(text) twice.
func (m *matcher) find(text []byte, from int) (start, end int) {
	if m.shortest == 0 {
		return len(text), len(text)
	}
	for i := from + m.shortest - 1; i < len(text); {
		if s := m.shift[block(text[i-1], text[i])]; s > 0 {
			i += int(s)
			continue
		}
		window := text[i-m.shortest+1:]
		for _, p := range m.ending[text[i]] {
			if len(p) <= len(window) && string(window[:len(p)]) == p {
				return i - m.shortest + 1, i - m.shortest + 1 + len(p)
			}
		}
		i++
	}
	return len(text), len(text)
}

// open returns where, at from or later, the longest end of text begins that could become a match with more to come,
// or len(text).
func (m *matcher) open(text []byte, from int) int {
	from = max(from, len(text)-m.longest+1)
	i := len(text)
	for i > from && m.used[text[i-1]] {
		i--
	}
	for ; i < len(text); i++ {
		end := text[i:]
		for _, p := range m.starting[end[0]] {
			if len(p) > len(end) && p[:len(end)] == string(end) {
				return i
			}
		}
	}
	return len(text)
}

// matches calls each with the place of every match in text, from left to right. Unless it is the last, the end of text
// that could become a match, or belong to a longer one, is left over: it begins at rest.
func (m *matcher) matches(text []byte, last bool, each func(start, end int)) (rest int) {
	at, open := 0, len(text)
	if !last {
		open = m.open(text, 0)
	}
	for {
		start, end := m.find(text, at)
		if start >= open {
			return open
		}
		each(start, end)
		at = end
		if at > open { // what seemed to begin there was the end of a match
			open = m.open(text, at)
		}
	}
}

// redact appends text to out with every match replaced, but for rest, which matches leaves over.
func (m *matcher) redact(out, text []byte, last bool) (redacted, rest []byte) {
	at := 0
	open := m.matches(text, last, func(start, end int) {
		out = append(append(out, text[at:start]...), stars...)
		at = end
	})
	return append(out, text[at:open]...), text[open:]
}

// Redactor is a growing set of values to replace by ***. It may be used by several goroutines.
type Redactor struct {
	mu       sync.Mutex // guards patterns and secrets, and the order of matchers
	patterns []string
	secrets  []Secret
	m        atomic.Pointer[matcher]
}

// NewRedactor makes a set that replaces all derived forms of the secrets.
func NewRedactor(secrets ...Secret) *Redactor {
	r := &Redactor{}
	r.Add(secrets...)
	return r
}

// Add has the derived forms of further secrets replaced from now on.
func (r *Redactor) Add(secrets ...Secret) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range secrets {
		r.patterns = append(r.patterns, Derived(s)...)
	}
	r.secrets = append(r.secrets, secrets...)
	r.m.Store(newMatcher(slices.Clone(r.patterns)))
}

// Redact returns a copy of text with every secret in it replaced.
func (r *Redactor) Redact(text []byte) []byte {
	out, _ := r.m.Load().redact(nil, text, true)
	return out
}

// Writer returns a filter in front of w that replaces secrets also where one write ends and the next begins. It holds
// back only what could be the beginning of a secret. It is for one goroutine.
func (r *Redactor) Writer(w io.Writer) *RedactingWriter { return &RedactingWriter{set: r, w: w} }

// RedactingWriter is made by Redactor.Writer.
type RedactingWriter struct {
	set  *Redactor
	w    io.Writer
	held []byte // the end of what was written, not passed on yet
	out  []byte // kept for the next write
}

// Write passes p on but for secrets, in at most one write. It reports all of p as written unless the writer behind it
// fails.
func (w *RedactingWriter) Write(p []byte) (int, error) {
	text := p
	if len(w.held) > 0 {
		w.held = append(w.held, p...)
		text = w.held
	}
	out, rest := w.set.m.Load().redact(w.out[:0], text, false)
	w.out, w.held = out, append(w.held[:0], rest...)
	if err := w.pass(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush writes what is still held back; call it when no more comes.
func (w *RedactingWriter) Flush() error {
	out, _ := w.set.m.Load().redact(w.out[:0], w.held, true)
	w.out, w.held = out, w.held[:0]
	return w.pass(out)
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
