package netrc

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// word is one word of a netrc and its position.
type word struct {
	start, end int
	text       string // without quotes, with escapes resolved as in a quoted word
	quoted     bool
	escaped    bool // holds a backslash, which curl and rattler keep and the other readers resolve
}

// lexer cuts a netrc into words as curl does (lib/netrc.c). It also follows the position of Python's netrc module
// (Lib/netrc.py, which pip uses), since Python takes the words of some comments for entries.
type lexer struct {
	data      []byte
	pos       int
	python    int  // Python has read up to here
	top       bool // no entry is open
	ambiguity error
}

const blanks, space = " \t", " \t\r\n"

func (l *lexer) line(at int) int { return 1 + bytes.Count(l.data[:at], []byte("\n")) }

func (l *lexer) errorf(at int, format string, args ...any) error {
	return fmt.Errorf("line %d: %w", l.line(at), fmt.Errorf(format, args...))
}

// markAmbiguous keeps the first reason why two readers understand the file differently.
func (l *lexer) markAmbiguous(at int, format string, args ...any) {
	if l.ambiguity == nil {
		l.ambiguity = l.errorf(at, format, args...)
	}
}

// upTo returns the position of the first byte of set at or after at, or the end.
func (l *lexer) upTo(at int, set string) int {
	if i := bytes.IndexAny(l.data[at:], set); i >= 0 {
		return at + i
	}
	return len(l.data)
}

func (l *lexer) nextLine(at int) int { return min(l.upTo(at, "\n")+1, len(l.data)) }

func (l *lexer) skip(set string) {
	for l.pos < len(l.data) && strings.IndexByte(set, l.data[l.pos]) >= 0 {
		l.pos++
	}
}

// keyword returns the next word outside of a comment. ok is false at the end.
func (l *lexer) keyword() (w word, ok bool, err error) {
	for {
		l.skip(space)
		if l.pos == len(l.data) {
			return word{}, false, nil
		}
		if l.data[l.pos] != '#' {
			w, err := l.word()
			return w, err == nil, err
		}
		l.comment()
	}
}

var keywords = []string{"machine", "default", "macdef", "login", "user", "account", "password"}

// comment skips a comment. Python is meant to skip it too, but it skips only the first word if that is longer than #
// and no entry is open, or if a line end comes between the comment and the word before it.
func (l *lexer) comment() {
	first, next := l.upTo(l.pos, space), l.nextLine(l.pos)
	if l.data[first-1] == '\\' {
		l.markAmbiguous(l.pos, "Python reads on after a comment whose first word ends in a backslash")
	}
	misread := l.top && first-l.pos > 1 || bytes.ContainsRune(l.data[l.python:l.pos], '\n')
	for _, w := range strings.Fields(string(l.data[first:next])) {
		if misread && (slices.Contains(keywords, w) || strings.ContainsAny(w, `"\`)) {
			l.markAmbiguous(l.pos, "Python, and pip with it, takes the words of this comment for an entry")
		}
	}
	l.pos, l.python = next, next
	if misread {
		l.python = l.pythonAfter(first)
	}
}

// pythonAfter is the position at which Python goes on after a plain word that ends at end: it skips one white-space
// character, and takes CR LF for one.
func (l *lexer) pythonAfter(end int) int {
	if end < len(l.data) && l.data[end] == '\r' {
		end++
	}
	return min(end+1, len(l.data))
}

// value returns the word after a keyword, which may be on a later line.
func (l *lexer) value(of string, at int) (word, error) {
	l.skip(space)
	if l.pos == len(l.data) {
		return word{}, l.errorf(at, "%s has no value", of)
	}
	return l.word()
}

func (l *lexer) word() (word, error) {
	w := word{start: l.pos, quoted: l.data[l.pos] == '"'}
	if !w.quoted {
		w.end = l.upTo(l.pos, space)
		w.text = string(l.data[w.start:w.end])
		w.escaped = strings.Contains(w.text, `\`)
		if strings.HasSuffix(w.text, `\`) {
			return w, l.errorf(w.start, "a word ends in a backslash, after which some readers read on")
		}
		l.pos, l.python = w.end, l.pythonAfter(w.end)
		return w, nil
	}
	var text []byte
	for i := w.start + 1; i < len(l.data) && l.data[i] != '\n'; i++ {
		switch {
		case l.data[i] == '"':
			w.end, w.text = i+1, string(text)
			if w.end < len(l.data) && strings.IndexByte(space, l.data[w.end]) < 0 {
				return w, l.errorf(w.start, "there is text right after a closing quote")
			}
			l.pos, l.python = w.end, w.end
			return w, nil
		case l.data[i] == '\\' && i+1 < len(l.data) && l.data[i+1] != '\n' && l.data[i+1] != '\r':
			w.escaped = true
			i++
		}
		text = append(text, l.data[i])
	}
	return w, l.errorf(w.start, "a quote is not closed on its line")
}

// macro skips a macdef: its name, and its body up to the first empty line. open reports that there is no such line.
func (l *lexer) macro(at int) (open bool, err error) {
	l.skip(blanks)
	end := l.upTo(l.pos, "\n")
	name, crlf := strings.CutSuffix(string(l.data[l.pos:end]), "\r")
	if name == "" {
		return false, l.errorf(at, "macdef has no name on its line")
	}
	if strings.ContainsAny(name, blanks+`"\`) {
		l.markAmbiguous(at, "readers differ about the beginning of a macdef that has more than a plain name on its line")
	}
	for l.pos = l.nextLine(at); l.pos < len(l.data); {
		line := l.data[l.pos:l.nextLine(l.pos)]
		if crlf && (bytes.ContainsRune(line, '"') || slices.ContainsFunc(strings.Fields(string(line)), structural)) {
			l.markAmbiguous(l.pos, "curl reads the body of a macdef whose line ends in CR LF")
		}
		l.pos += len(line)
		if s := string(line); s == "\n" || s == "\r\n" {
			l.python = l.pos
			return false, nil
		}
	}
	l.python = l.pos
	return true, nil
}

// checkText refuses bytes about which readers differ before they look for words.
func checkText(data []byte) error {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return errors.New("it begins with a byte order mark, so clients reject the whole file")
	case !utf8.Valid(data):
		return errors.New("it is not UTF-8")
	}
	for i, c := range data {
		if c == '\r' && (i+1 == len(data) || data[i+1] != '\n') || c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			return fmt.Errorf("line %d: it holds the control byte 0x%02x", 1+bytes.Count(data[:i], []byte("\n")), c)
		}
	}
	return nil
}

// wideSpace finds white space outside of ASCII, where only some readers end a word.
func wideSpace(data []byte) int {
	return bytes.IndexFunc(data, func(r rune) bool { return r > unicode.MaxASCII && unicode.IsSpace(r) })
}
