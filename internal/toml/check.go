package toml

import (
	"bytes"
	"fmt"
)

// Bounds of a text. The pyproject.toml files of the largest projects have some 1500 keys, and nest five deep.
const (
	maxKeys   = 8192 // keys, tables, arrays, and the parts of a dotted key, taken together
	maxNested = 32   // arrays and inline tables in one another
	maxDotted = 16   // parts of one dotted key
)

// scanner counts the structure of a TOML document (https://toml.io/en/v1.1.0) without reading its values. In a text
// that is no TOML it counts right up to the first error, where the decoder stops.
type scanner struct {
	text   []byte
	at     int
	line   int
	keys   int
	nested int
	dotted int // dots since the last key or value began
}

// check returns an error if the text is past one of the bounds.
func check(text []byte) error {
	s := scanner{text: text, line: 1}
	for s.at < len(text) {
		if err := s.next(); err != nil {
			return fmt.Errorf("line %d: %w", s.line, err)
		}
	}
	return nil
}

// next reads one character, one string or one comment.
func (s *scanner) next() error {
	c := s.text[s.at]
	s.at++
	switch c {
	case '"', '\'':
		return s.skipString(c)
	case '#':
		s.at += length(s.text[s.at:], '\n')
	case '\n':
		s.line++
		s.dotted = 0
	case ',':
		s.dotted = 0
	case '=':
		s.keys++
		s.dotted = 0
	case '.':
		s.keys++
		s.dotted++
	case '[', '{':
		s.keys++
		s.nested++
		s.dotted = 0
	case ']', '}':
		s.nested = max(0, s.nested-1)
	}
	return s.bounded()
}

func (s *scanner) bounded() error {
	switch {
	case s.keys > maxKeys:
		return fmt.Errorf("the file has more than %d keys", maxKeys)
	case s.nested > maxNested:
		return fmt.Errorf("values are nested more than %d deep", maxNested)
	case s.dotted >= maxDotted:
		return fmt.Errorf("a key has more than %d parts", maxDotted)
	}
	return nil
}

// length is the number of bytes before the next c, or all of them.
func length(text []byte, c byte) int {
	if i := bytes.IndexByte(text, c); i >= 0 {
		return i
	}
	return len(text)
}

// skipString skips the rest of a string. One that does not end is left to the decoder, which stops there.
func (s *scanner) skipString(quote byte) error {
	three := []byte{quote, quote, quote}
	if bytes.HasPrefix(s.text[s.at:], three[:2]) {
		s.at += 2
		s.skipTo(three, quote == '"')
		for n := 0; n < 2 && s.at < len(s.text) && s.text[s.at] == quote; n++ { // it may end in quotes of its own
			s.at++
		}
		return nil
	}
	s.skipTo(three[:1], quote == '"')
	return nil
}

// skipTo skips the text up to and with end. Where the string has escapes, an escaped quote does not end it. A line end
// ends a string of one quote too: it is an error there, and a lone quote must not hide the rest of the text.
func (s *scanner) skipTo(end []byte, escapes bool) {
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case bytes.HasPrefix(s.text[s.at:], end):
			s.at += len(end)
			return
		case c == '\n' && len(end) == 1:
			return
		case c == '\n':
			s.line++
		case c == '\\' && escapes && s.at+1 < len(s.text) && s.text[s.at+1] != '\n':
			s.at++
		}
		s.at++
	}
}
