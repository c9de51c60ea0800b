package netrc

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/regpass/regpass/envsync"
)

// restore is envsync.Format.Restore for netrc files.
func restore(now, before []byte, keys []string) ([]byte, error) {
	if now == nil {
		return nil, nil
	}
	f, err := parse(now)
	if err != nil {
		return nil, fmt.Errorf("netrc: %w", err)
	}
	if redone, err := setMachines(before, f.machines(keys)); err == nil && bytes.Equal(redone, now) {
		return before, nil
	}
	was, err := parse(before)
	if err != nil {
		return nil, fmt.Errorf("netrc: %w", err)
	}
	var edits []envsync.Replacement
	for i, e := range f.entries {
		at := slices.IndexFunc(keys, e.matches)
		if at < 0 {
			continue
		}
		former := was.texts(keys[at])
		count := len(f.texts(keys[at]))
		nth := len(file{data: now, entries: f.entries[:i]}.texts(keys[at]))
		switch {
		case len(former) == 0:
			edits = append(edits, f.remove(e))
		case len(former) == count:
			edits = append(edits, envsync.Replacement{Start: e.start, End: e.end, Text: former[nth]})
		case nth == 0: // the number of entries has changed: all former ones take the place of the first
			edits = append(edits, envsync.Replacement{Start: e.start, End: e.end, Text: strings.Join(former, f.eol())})
		default:
			edits = append(edits, f.remove(e))
		}
	}
	out := envsync.Splice(now, edits)
	if before == nil && len(bytes.TrimSpace(out)) == 0 {
		return nil, nil
	}
	return out, nil
}

// machines are the first entries for the keys, in the order of the file.
func (f file) machines(keys []string) []machine {
	var all []machine
	for _, e := range f.entries {
		at := slices.IndexFunc(keys, e.matches)
		if at < 0 || slices.ContainsFunc(all, func(m machine) bool { return m.name == keys[at] }) {
			continue
		}
		login, _ := e.field("login")
		password, _ := e.field("password")
		all = append(all, machine{keys[at], login.text, password.text})
	}
	return all
}

// texts are the texts of the entries for host.
func (f file) texts(host string) []string {
	var all []string
	for _, e := range f.entries {
		if e.matches(host) {
			all = append(all, string(f.data[e.start:e.end]))
		}
	}
	return all
}

// remove is the replacement that removes an entry, and its lines if nothing else is on them.
func (f file) remove(e entry) envsync.Replacement {
	line := bytes.LastIndexByte(f.data[:e.start], '\n') + 1
	next := len(f.data)
	if i := bytes.IndexByte(f.data[e.end:], '\n'); i >= 0 {
		next = e.end + i + 1
	}
	if len(bytes.Trim(f.data[line:e.start], blanks)) > 0 || len(bytes.TrimSpace(f.data[e.end:next])) > 0 {
		return envsync.Replacement{Start: e.start, End: e.end, Text: ""}
	}
	return envsync.Replacement{Start: line, End: next, Text: ""}
}
