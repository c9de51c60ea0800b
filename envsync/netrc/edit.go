package netrc

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// set edits a netrc in place. Entries for the host keep their place, their account and their comments. Login and
// password change in all of them, since curl reads the first entry and the other readers the last. A new entry goes
// before default, after which curl does not look, or to the end.
func set(old []byte, entries []envsync.Entry) ([]byte, error) {
	want, err := machines(entries)
	if err != nil {
		return nil, err
	}
	return setMachines(old, want)
}

func setMachines(data []byte, want []machine) ([]byte, error) {
	for _, m := range want {
		var err error
		if data, err = setMachine(data, m); err != nil {
			return nil, fmt.Errorf("netrc: %w", err)
		}
	}
	return data, nil
}

func setMachine(data []byte, m machine) ([]byte, error) {
	f, err := parse(data)
	if err == nil {
		err = f.editable()
	}
	if err != nil {
		return nil, err
	}
	last := slices.IndexFunc(f.entries, func(e entry) bool { return e.isDefault })
	found := false
	out := data
	for i, e := range slices.Backward(f.entries) {
		if !e.matches(m.name) {
			continue
		}
		if last >= 0 && i > last {
			err := fmt.Errorf("the entry for %s comes after default, where curl does not look", m.name)
			return nil, regpass.Hintf(err, "move the entry before default")
		}
		out, found = envsync.Splice(out, e.edits(m, f.eol())), true
	}
	if !found {
		out = envsync.Splice(data, []envsync.Replacement{f.insert(m, last)})
	}
	if err := longLine(out); err != nil {
		return nil, err
	}
	return out, nil
}

// edits are the replacements that give e the values of m. They put keyword and value on one line, as curl wants them.
func (e entry) edits(m machine, eol string) []envsync.Replacement {
	_, login := e.field("login")
	_, password := e.field("password")
	head := "machine " + m.name
	if !login && m.login != "" {
		head += eol + "login " + m.login
	}
	if !password {
		head += eol + "password " + m.password
	}
	all := []envsync.Replacement{{Start: e.start, End: e.head.end, Text: head}}
	for _, f := range e.fields {
		value := map[string]string{"login": m.login, "password": m.password}[f.name()]
		field := envsync.Replacement{Start: f.key.start, End: f.value.end}
		switch {
		case value != "":
			field.Text = f.name() + " " + value
		case m.login != "":
			continue // an account stays
		}
		all = append(all, field) // without a login, requests would take the account for it
	}
	return all
}

// insert is the replacement that adds an entry for m: before the entry with the index last, or at the end if last is
// -1.
func (f file) insert(m machine, last int) envsync.Replacement {
	eol := f.eol()
	lines := []string{"machine " + m.name, "login " + m.login, "password " + m.password, ""}
	if m.login == "" {
		lines = slices.Delete(lines, 1, 2)
	}
	text := strings.Join(lines, eol)
	if last >= 0 {
		at := f.entries[last].start
		line := bytes.LastIndexByte(f.data[:at], '\n') + 1
		if len(bytes.Trim(f.data[line:at], blanks)) == 0 {
			return envsync.Replacement{Start: line, End: line, Text: text}
		}
		return envsync.Replacement{Start: at, End: at, Text: eol + text}
	}
	end := len(f.data)
	if f.open { // end the macro, or our entry would be part of it
		text = eol + text
	}
	if end > 0 && f.data[end-1] != '\n' {
		text = eol + text
	}
	return envsync.Replacement{Start: end, End: end, Text: text}
}

// eol is the file's line ending.
func (f file) eol() string {
	if i := bytes.IndexByte(f.data, '\n'); i > 0 && f.data[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}
