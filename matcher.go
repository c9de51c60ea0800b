package regpass

import (
	"bytes"
	"slices"
	"strings"
)

// longestFirst sorts patterns and drops duplicates.
func longestFirst(patterns []string) []string {
	slices.SortFunc(patterns, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(patterns)
}

// matcher finds the leftmost longest of many patterns by the Wu–Manber algorithm (A fast algorithm for multi-pattern
// searching, TR-94-17, University of Arizona) with blocks of two bytes: it looks at one position in about every
// shortest pattern's length. It is ours because the Go libraries for many patterns (Aho–Corasick) look at every byte
// and cannot search text that arrives in pieces, nor text that is wrapped. BENCHMARKS.md has its rates.
//
// Line breaks in the text do not count: base64 breaks its lines after 76 characters, openssl after 64, xxd -p after 60,
// and others at the width of a terminal. A shift by as many bytes as there are characters to go is never too far.
type matcher struct {
	longest, shortest int           // in bytes; at least minRedact
	shift             []uint16      // how far to move on, by the last two bytes of the window; 0: a candidate
	ending            [256][]string // patterns by the last byte of their first `shortest`, longest first
	starting          [256][]string // patterns by their first byte
	begun             []bool        // by two bytes: whether a pattern begins with them
	kind              [256]byteKind
}

type byteKind uint8

const (
	foreign   byteKind = iota // in no pattern
	used                      // in some pattern
	lineBreak                 // in no pattern, and passed over in the text
)

func isBreak(c byte) bool { return c == '\n' || c == '\r' }

// newMatcher makes a matcher for patterns without line breaks.
func newMatcher(patterns []string) *matcher {
	if len(patterns) == 0 {
		return &matcher{}
	}
	patterns = longestFirst(patterns)
	m := &matcher{longest: len(patterns[0]), shortest: len(patterns[len(patterns)-1])}
	m.shift = slices.Repeat([]uint16{uint16(min(m.shortest-1, 1<<16-1))}, 1<<16)
	m.begun = make([]bool, 1<<16)
	for _, p := range patterns {
		m.begun[block(p[0], p[1])] = true
		for i := 1; i < m.shortest; i++ {
			b := block(p[i-1], p[i])
			m.shift[b] = min(m.shift[b], uint16(min(m.shortest-1-i, 1<<16-1)))
		}
		end := p[m.shortest-1]
		m.ending[end] = append(m.ending[end], p)
		m.starting[p[0]] = append(m.starting[p[0]], p)
		for i := range len(p) {
			m.kind[p[i]] = used
		}
	}
	for _, c := range []byte("\r\n") {
		m.kind[c] = lineBreak
		for other := range 256 {
			m.shift[block(c, byte(other))], m.shift[block(byte(other), c)] = 0, 0
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
	breaks := breakFinder{text: text, seen: from, last: from - 1}
	for i := from + m.shortest - 1; i < len(text); {
		s := m.shift[block(text[i-1], text[i])]
		if s == 0 && isBreak(text[i-1]) && !isBreak(text[i]) {
			s = m.shiftAcross(text, from, i)
		}
		if s > 0 {
			i += int(s)
			continue
		}
		if patterns := m.ending[text[i]]; len(patterns) > 0 {
			broken := breaks.before(i, m.shortest-1)
			for _, p := range patterns {
				if start, end := m.match(text, from, i, p, broken); end > 0 {
					return start, end
				}
			}
		}
		i++
	}
	return len(text), len(text)
}

// breakFinder finds line breaks in a text from left to right, and looks at no byte twice.
type breakFinder struct {
	text []byte
	seen int // where the text begins that was not looked at; what lies before a window is passed over
	last int // the last line break that was seen
}

// before reports whether one of the n bytes before the i-th is a line break. i never gets smaller.
func (b *breakFinder) before(i, n int) bool {
	from := max(b.seen, i-n)
	part := b.text[from:i]
	if len(part) < 8 || bytes.IndexByte(part, '\n') >= 0 || bytes.IndexByte(part, '\r') >= 0 {
		for j := len(part) - 1; j >= 0; j-- {
			if isBreak(part[j]) {
				b.last = from + j
				break
			}
		}
	}
	b.seen = i
	return b.last >= i-n
}

// shiftAcross is the shift for the block of text[i] and the last byte before the line breaks in front of it.
func (m *matcher) shiftAcross(text []byte, from, i int) uint16 {
	j := i - 1
	for j >= from && isBreak(text[j]) {
		j--
	}
	if j < from {
		return 1 // no window ends here
	}
	return m.shift[block(text[j], text[i])]
}

// match compares the pattern with the text in whose window text[i] is the last byte. broken: the window may hold line
// breaks. end is 0 if the two differ.
func (m *matcher) match(text []byte, from, i int, p string, broken bool) (start, end int) {
	rest := p[m.shortest:]
	if len(rest) > len(text)-i-1 {
		return 0, 0
	}
	if start = i - m.shortest + 1; !broken && string(text[start:i+1]) != p[:m.shortest] {
		return 0, 0
	}
	if broken {
		start = i + 1
		for k := m.shortest - 1; k >= 0; k-- {
			for start--; start >= from && isBreak(text[start]); start-- {
			}
			if start < from || text[start] != p[k] {
				return 0, 0
			}
		}
	}
	n, ok := begins(text[i+1:], rest)
	if !ok || n < 0 {
		return 0, 0
	}
	return start, i + 1 + n
}

// begins reports whether text begins with all of p, apart from line breaks, and how many bytes of text that takes. If
// text ends before p does, n is -1 and ok tells whether p begins with all of text.
func begins(text []byte, p string) (n int, ok bool) {
	k := 0
	for ; k < len(p); n++ {
		switch {
		case n == len(text):
			return -1, true
		case text[n] == p[k]:
			k++
		case !isBreak(text[n]):
			return 0, false
		}
	}
	return n, true
}

// maxShown is the number of a pattern's first bytes that may be shown at the end of a line before it is known whether
// the pattern goes on: a quarter of it, and never more than seven. Lines would be held back for a common letter.
func maxShown(p string) int { return min(len(p)/4, 7) }

// unfinished returns where the longest end of text begins, at from or later, that more text could turn into a match; or
// len(text). What begins at hold must not be shown yet: all of that end, or at the end of a line, and in a pause, what
// maxShown says.
func (m *matcher) unfinished(text []byte, from int, pause bool) (keep, hold int) {
	last := len(text)
	for last > from && isBreak(text[last-1]) {
		last--
	}
	i := last
	for low := max(from, last-m.longest+1); i > low && m.kind[text[i-1]] == used; {
		i--
	}
	broken := i > from && isBreak(text[i-1])
	if broken {
		i = m.backAcross(text, from, i, last-i)
	}
	keep = len(text)
	for ; i < last; i++ {
		if i+1 < last && !m.begun[block(text[i], text[i+1])] && !isBreak(text[i+1]) {
			continue
		}
		for _, p := range m.starting[text[i]] {
			n := startOf(text[i:last], p, broken)
			if n == 0 {
				continue
			}
			keep = min(keep, i)
			if n > maxShown(p) || last == len(text) && !pause {
				return keep, i
			}
		}
	}
	return keep, len(text)
}

// backAcross goes on from i to the left over line breaks too, until there are as many characters of patterns as the
// longest one has before its last. chars of them are to the right of i. There is a limit for line breaks without text.
func (m *matcher) backAcross(text []byte, from, i, chars int) int {
	for low := max(from, i-3*m.longest); i > low && chars < m.longest-1; i-- {
		switch m.kind[text[i-1]] {
		case foreign:
			return i
		case used:
			chars++
		}
	}
	return i
}

// startOf is the number of p's first bytes that make up all of end, or 0. broken: end may hold line breaks.
func startOf(end []byte, p string, broken bool) int {
	if !broken {
		if len(p) > len(end) && p[:len(end)] == string(end) {
			return len(end)
		}
		return 0
	}
	if n, ok := begins(end, p); !ok || n >= 0 {
		return 0
	}
	n := 0
	for _, c := range end {
		if !isBreak(c) {
			n++
		}
	}
	return n
}

// matches calls found for every match in text, from left to right. Unless text is the last, it leaves over the end of
// text from keep on, which could become a match or belong to a longer one. Of that, nothing from hold on may be shown.
func (m *matcher) matches(text []byte, last bool, found func(start, end int)) (keep, hold int) {
	at, keep, hold := 0, len(text), len(text)
	if !last {
		keep, hold = m.unfinished(text, 0, false)
	}
	for {
		start, end := m.find(text, at)
		if start >= keep {
			return keep, min(hold, start)
		}
		found(start, end)
		at = end
		if at > keep { // the text at keep was the end of this match
			keep, hold = m.unfinished(text, at, false)
		}
	}
}

// redact appends text to out with every match replaced, apart from the first bytes, which are shown already. It leaves
// over what matches does, and says how much of that is shown now.
func (m *matcher) redact(out, text []byte, shown int, last bool) (clean, rest []byte, nowShown int) {
	at := shown
	keep, hold := m.matches(text, last, func(start, end int) {
		out = append(append(out, text[at:max(at, start)]...), redacted...)
		at = end
	})
	hold = max(at, hold)
	return append(out, text[at:hold]...), text[keep:], hold - keep
}
