package envsync

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// netrcFile is a netrc cut into entries. Offsets are into data.
type netrcFile struct {
	data    []byte
	entries []netrcEntry
	macros  int
	open    bool  // it ends inside a macdef
	trap    error // where two readers see two different files
}

// netrcEntry is one machine, or default, with what belongs to it.
type netrcEntry struct {
	head       word // the host; for default that keyword
	isDefault  bool
	start, end int // from the keyword to the last value
	fields     []netrcField
	odd        error // why one reader sees something else here
}

// netrcField is one keyword with its value.
type netrcField struct{ key, value word }

// is reports whether e is an entry for host; curl compares without case.
func (e netrcEntry) is(host string) bool {
	return !e.isDefault && strings.EqualFold(e.head.text, host)
}

// field returns the last value of a keyword; user is another word for login.
func (e netrcEntry) field(key string) (value word, ok bool) {
	for _, f := range e.fields {
		if f.name() == key {
			value, ok = f.value, true
		}
	}
	return value, ok
}

func (f netrcField) name() string {
	if f.key.text == "user" {
		return "login"
	}
	return f.key.text
}

// parseNetrc reads a netrc. Errors name the line and show nothing of it, for any word may be a password.
func parseNetrc(data []byte) (netrcFile, error) {
	f := netrcFile{data: data}
	if err := readableNetrc(data); err != nil {
		return f, err
	}
	l := &netrcLexer{data: data, top: true}
	if i := wideSpace(data); i >= 0 {
		l.springs(i, "white space outside ASCII ends a word for some readers only")
	}
	for {
		k, ok, err := l.keyword()
		if err != nil || !ok {
			f.trap = l.trap
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
			f.entries = append(f.entries, netrcEntry{head: head, start: k.start, end: head.end, odd: l.oddHost(head)})
			l.top = false
		case "default":
			f.entries = append(f.entries, netrcEntry{head: k, isDefault: true, start: k.start, end: k.end})
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
				return f, l.errorf(k.start, "%s stands outside of an entry", name)
			}
			e := &f.entries[len(f.entries)-1]
			e.fields = append(e.fields, netrcField{k, v})
			e.end = v.end
			if e.odd == nil {
				e.odd = l.oddValue(k, v)
			}
		default:
			return f, l.errorf(k.start, "there is a word that is no netrc keyword")
		}
	}
}

// structural reports whether curl takes a word for the beginning of something wherever it stands.
func structural(text string) bool {
	return strings.EqualFold(text, "machine") || strings.EqualFold(text, "default") || strings.EqualFold(text, "macdef")
}

func (l *netrcLexer) oddHost(w word) error {
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

func (l *netrcLexer) oddValue(k, w word) error {
	switch {
	case structural(w.text):
		return l.errorf(w.start, "the %s is a netrc keyword, which curl takes for a new entry", k.text)
	case !w.quoted && w.text[0] == '#':
		return l.errorf(w.start, "curl takes a %s that begins with # for a comment", k.text)
	case !strings.EqualFold(w.text, "login") && !strings.EqualFold(w.text, "password"):
		return nil
	case k.text == "account" || k.text == "user" || bytes.ContainsRune(l.data[k.end:w.start], '\n'):
		// curl does not know the first two, and may look for the value of the others on their line only.
		return l.errorf(w.start, "the %s is a netrc keyword, which curl takes for one", k.text)
	}
	return nil
}

// maxNetrcLine is the longest line, in bytes with its end, that curl reads: it asks for 4096 with the closing NUL
// (lib/netrc.c) and drops what is longer.
const maxNetrcLine = 4095

var errNetrcLine = errors.New("curl reads no line over 4095 bytes")

func longNetrcLine(data []byte) error {
	n := 0
	for line := range bytes.Lines(data) {
		n++
		if len(line) > maxNetrcLine {
			return fmt.Errorf("line %d: %w", n, errNetrcLine)
		}
	}
	return nil
}

// editable refuses a file in which readers see different entries: an edit would not be the same edit for all.
func (f netrcFile) editable() error {
	if f.trap != nil {
		return f.trap
	}
	for _, e := range f.entries {
		if e.odd != nil {
			return e.odd
		}
	}
	return longNetrcLine(f.data)
}
