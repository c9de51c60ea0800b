package netrc

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// file is a netrc cut into entries. Offsets are into data.
type file struct {
	data      []byte
	entries   []entry
	macros    int
	open      bool  // it ends inside a macdef
	ambiguity error // why two readers understand the file differently
}

// entry is one machine, or default, with its fields.
type entry struct {
	head       word // the host; for default that keyword
	isDefault  bool
	start, end int // from the keyword to the last value
	fields     []field
	ambiguous  error // why two readers understand the entry differently
}

// field is one keyword with its value.
type field struct{ key, value word }

// matches reports whether e is an entry for host. Like curl it ignores case.
func (e entry) matches(host string) bool {
	return !e.isDefault && strings.EqualFold(e.head.text, host)
}

// field returns the last value of a keyword; user is another word for login.
func (e entry) field(key string) (value word, ok bool) {
	for _, f := range e.fields {
		if f.name() == key {
			value, ok = f.value, true
		}
	}
	return value, ok
}

func (f field) name() string {
	if f.key.text == "user" {
		return "login"
	}
	return f.key.text
}

// parse reads a netrc. Errors name the line but show nothing of it, since any word may be a password.
func parse(data []byte) (file, error) {
	f := file{data: data}
	if err := checkText(data); err != nil {
		return f, err
	}
	l := &lexer{data: data, top: true}
	if i := wideSpace(data); i >= 0 {
		l.markAmbiguous(i, "white space outside of ASCII ends a word for some readers only")
	}
	for {
		k, ok, err := l.keyword()
		if err != nil || !ok {
			f.ambiguity = l.ambiguity
			return f, err
		}
		name := k.text
		if k.escaped {
			name = ""
		}
		switch name {
		case "machine":
			head, err := l.value(name, k.start)
			if err != nil {
				return f, err
			}
			if head.text == "" {
				return f, l.errorf(k.start, "machine has no name")
			}
			f.entries = append(f.entries, entry{head: head, start: k.start, end: head.end, ambiguous: l.ambiguousHost(head)})
			l.top = false
		case "default":
			f.entries = append(f.entries, entry{head: k, isDefault: true, start: k.start, end: k.end})
			l.top = false
		case "macdef":
			if f.open, err = l.macro(k.start); err != nil {
				return f, err
			}
			f.macros++
			l.top = true
		case "login", "user", "account", "password":
			v, err := l.value(name, k.start)
			if err != nil {
				return f, err
			}
			if l.top {
				return f, l.errorf(k.start, "%s is outside of an entry", name)
			}
			e := &f.entries[len(f.entries)-1]
			e.fields = append(e.fields, field{k, v})
			e.end = v.end
			if e.ambiguous == nil {
				e.ambiguous = l.ambiguousValue(k, v)
			}
		default:
			return f, l.errorf(k.start, "there is a word that is not a netrc keyword")
		}
	}
}

// Hosts are the names of the machines in a netrc, in its own spelling, up to the first malformed word.
func Hosts(data []byte) []string {
	f, _ := parse(data)
	var hosts []string
	for _, e := range f.entries {
		if !e.isDefault {
			hosts = append(hosts, e.head.text)
		}
	}
	return hosts
}

// structural reports whether a word begins an entry or a macro for curl, even in the place of a value.
func structural(text string) bool {
	return strings.EqualFold(text, "machine") || strings.EqualFold(text, "default") || strings.EqualFold(text, "macdef")
}

func (l *lexer) ambiguousHost(w word) error {
	switch {
	case structural(w.text):
		return l.errorf(w.start, "a host has the name of a keyword")
	case w.escaped:
		return l.errorf(w.start, "readers differ about the backslash in a host")
	case w.text[0] == '#':
		return l.errorf(w.start, "curl takes a host that begins with # for a comment")
	}
	return nil
}

func (l *lexer) ambiguousValue(k, w word) error {
	switch {
	case structural(w.text):
		return l.errorf(w.start, "the %s is a netrc keyword, which curl takes for a new entry", k.text)
	case !w.quoted && w.text[0] == '#':
		return l.errorf(w.start, "curl takes a %s that begins with # for a comment", k.text)
	case !strings.EqualFold(w.text, "login") && !strings.EqualFold(w.text, "password"):
		return nil
	case k.text == "account" || k.text == "user" || bytes.ContainsRune(l.data[k.end:w.start], '\n'):
		// curl does not know the first two, and may look for the value of the others only on their line.
		return l.errorf(w.start, "the %s is a netrc keyword, which curl takes for one", k.text)
	}
	return nil
}

// maxLine is the length, in bytes with the line end, of the longest line that curl reads. Its buffer of 4096 bytes also
// holds a NUL (lib/netrc.c), and it drops a longer line.
const maxLine = 4095

var errLongLine = errors.New("curl reads no line over 4095 bytes")

func longLine(data []byte) error {
	n := 0
	for line := range bytes.Lines(data) {
		n++
		if len(line) > maxLine {
			return fmt.Errorf("line %d: %w", n, errLongLine)
		}
	}
	return nil
}

// editable refuses a file that readers understand differently: an edit would not mean the same to all of them.
func (f file) editable() error {
	if f.ambiguity != nil {
		return f.ambiguity
	}
	for _, e := range f.entries {
		if e.ambiguous != nil {
			return e.ambiguous
		}
	}
	return longLine(f.data)
}
