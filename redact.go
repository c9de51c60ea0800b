package regpass

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// minRedact is the shortest form that is looked for, in bytes: replacing shorter ones would tear up harmless output.
const minRedact = 4

// stars is what stands in for a redacted value.
const stars = "***"

// Derived lists the forms in which a secret shows up in output and files: as it is, URL-encoded, JSON-escaped, hex,
// and inside the base64 and base64url of any text that holds it (three shifts each). Longest first.
func Derived(s Secret) []string {
	v := s.Reveal()
	if len(v) < minRedact {
		return nil
	}
	j, _ := json.Marshal(v)
	x := hex.EncodeToString([]byte(v))
	all := []string{v, url.QueryEscape(v), url.PathEscape(v), string(j[1 : len(j)-1]), x, strings.ToUpper(x)}
	for shift := range 3 {
		// The first characters also depend on what stands before v, the last on what follows: keep what only v decides.
		in := append(make([]byte, shift), v...)
		first := (shift*8 + 5) / 6
		last := len(in) * 8 / 6
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			all = append(all, enc.EncodeToString(in)[first:last])
		}
	}
	all = slices.DeleteFunc(all, func(f string) bool { return len(f) < minRedact })
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(all)
}

// matcher finds the leftmost longest of many patterns by the Wu–Manber algorithm with blocks of two bytes: it looks
// at one position in about every shortest-pattern's length.
type matcher struct {
	patterns []string // longest first
	longest  int
	shortest int
	shift    []uint16         // how far to go on, by the two bytes that end the window; 0: a candidate
	ending   map[uint16][]int // patterns whose first `shortest` bytes end in these two bytes
}

func newMatcher(patterns []string) *matcher {
	slices.SortFunc(patterns, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	m := &matcher{patterns: slices.Compact(patterns)}
	if len(m.patterns) == 0 {
		return m
	}
	m.longest, m.shortest = len(m.patterns[0]), len(m.patterns[len(m.patterns)-1])
	m.shift = make([]uint16, 1<<16)
	for i := range m.shift {
		m.shift[i] = uint16(min(m.shortest-1, 1<<16-1))
	}
	m.ending = map[uint16][]int{}
	for n, p := range m.patterns {
		for i := 1; i < m.shortest; i++ {
			b := uint16(p[i-1])<<8 | uint16(p[i])
			m.shift[b] = min(m.shift[b], uint16(min(m.shortest-1-i, 1<<16-1)))
		}
		b := uint16(p[m.shortest-2])<<8 | uint16(p[m.shortest-1])
		m.ending[b] = append(m.ending[b], n)
	}
	return m
}

// find returns the first match in data, or -1.
func (m *matcher) find(data []byte) (start, end int) {
	if len(m.patterns) == 0 {
		return -1, -1
	}
	for i := m.shortest - 1; i < len(data); {
		b := uint16(data[i-1])<<8 | uint16(data[i])
		if s := m.shift[b]; s > 0 {
			i += int(s)
			continue
		}
		from := i - m.shortest + 1
		for _, n := range m.ending[b] {
			if p := m.patterns[n]; len(data)-from >= len(p) && string(data[from:from+len(p)]) == p {
				return from, from + len(p)
			}
		}
		i++
	}
	return -1, -1
}

// open returns where the longest end of data begins that could become a match with more to come, or len(data).
func (m *matcher) open(data []byte) int {
	first := len(data)
	for _, p := range m.patterns {
		for i := max(0, len(data)-len(p)+1); i < first; i++ {
			j := bytes.IndexByte(data[i:first], p[0])
			if j < 0 {
				break
			}
			i += j
			if strings.HasPrefix(p, string(data[i:])) {
				first = i
			}
		}
	}
	return first
}

// Redactions is a growing set of values to replace by ***. It may be used by several goroutines.
type Redactions struct {
	mu       sync.Mutex // guards writers
	patterns []string
	m        atomic.Pointer[matcher]
}

// NewRedactions makes a set that replaces all derived forms of the secrets.
func NewRedactions(secrets ...Secret) *Redactions {
	r := &Redactions{}
	r.Add(secrets...)
	return r
}

// Add has the derived forms of further secrets replaced from now on.
func (r *Redactions) Add(secrets ...Secret) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range secrets {
		r.patterns = append(r.patterns, Derived(s)...)
	}
	r.m.Store(newMatcher(slices.Clone(r.patterns)))
}

// Redact returns text with every secret in it replaced.
func (r *Redactions) Redact(text []byte) []byte {
	var out bytes.Buffer
	w := r.Writer(&out)
	_, _ = w.Write(text)
	_ = w.Flush()
	return out.Bytes()
}

// Writer returns a filter in front of w that replaces secrets also where one write ends and the next begins. It holds
// back only what could be the beginning of a secret. It is for one goroutine.
func (r *Redactions) Writer(w io.Writer) *RedactingWriter { return &RedactingWriter{set: r, w: w} }

// RedactingWriter is made by Redactions.Writer.
type RedactingWriter struct {
	set  *Redactions
	w    io.Writer
	held []byte
}

// Write passes p on but for secrets. It reports all of p as written unless the writer behind it fails.
func (w *RedactingWriter) Write(p []byte) (int, error) {
	data := p
	if len(w.held) > 0 {
		data = append(w.held, p...)
	}
	m := w.set.m.Load()
	for {
		start, end := m.find(data)
		if start < 0 {
			break
		}
		// A longer pattern that begins at start or before may still be growing at the end of data.
		if o := m.open(data); o <= start {
			break
		}
		if err := w.pass(data[:start], stars); err != nil {
			return 0, err
		}
		data = data[end:]
	}
	keep := m.open(data)
	if err := w.pass(data[:keep], ""); err != nil {
		return 0, err
	}
	w.held = append([]byte(nil), data[keep:]...)
	return len(p), nil
}

// Flush writes what is still held back; call it when no more comes.
func (w *RedactingWriter) Flush() error {
	data := w.held
	w.held = nil
	m := w.set.m.Load()
	for {
		start, end := m.find(data)
		if start < 0 {
			return w.pass(data, "")
		}
		if err := w.pass(data[:start], stars); err != nil {
			return err
		}
		data = data[end:]
	}
}

func (w *RedactingWriter) pass(data []byte, then string) error {
	if len(data) > 0 {
		if _, err := w.w.Write(data); err != nil {
			return err
		}
	}
	if then != "" {
		if _, err := io.WriteString(w.w, then); err != nil {
			return err
		}
	}
	return nil
}
