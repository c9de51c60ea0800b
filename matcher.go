package regpass

import (
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
// and cannot search text that arrives in pieces. BENCHMARKS.md has its rates.
type matcher struct {
	longest, shortest int           // in bytes; at least minRedact
	shift             []uint16      // how far to move on, by the last two bytes of the window; 0: a candidate
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

// unfinished returns where the longest end of text begins, at from or later, that more text could turn into a match; or
// len(text).
func (m *matcher) unfinished(text []byte, from int) int {
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

// matches calls found for every match in text, from left to right. Unless text is the last, it leaves over the end of
// text from rest on, which could become a match or belong to a longer one.
func (m *matcher) matches(text []byte, last bool, found func(start, end int)) (rest int) {
	at, rest := 0, len(text)
	if !last {
		rest = m.unfinished(text, 0)
	}
	for {
		start, end := m.find(text, at)
		if start >= rest {
			return rest
		}
		found(start, end)
		at = end
		if at > rest { // the text at rest was the end of this match
			rest = m.unfinished(text, at)
		}
	}
}

// redact appends text to out with every match replaced. It leaves over rest, as matches does.
func (m *matcher) redact(out, text []byte, last bool) (clean, rest []byte) {
	at := 0
	end := m.matches(text, last, func(start, end int) {
		out = append(append(out, text[at:start]...), redacted...)
		at = end
	})
	return append(out, text[at:end]...), text[end:]
}
