package envsync

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// setNetrc edits a netrc in place. Entries of the host keep their place, their account and their comments; only
// login and password change, in all of them, since curl takes the first and the others the last. A new entry goes
// before default, behind which curl does not look, or to the end.
func setNetrc(old []byte, entries []Entry) ([]byte, error) {
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
	f, err := parseNetrc(data)
	if err == nil {
		err = f.editable()
	}
	if err != nil {
		return nil, err
	}
	last := slices.IndexFunc(f.entries, func(e netrcEntry) bool { return e.isDefault })
	found := false
	out := data
	for i, e := range slices.Backward(f.entries) {
		if !e.is(m.name) {
			continue
		}
		if last >= 0 && i > last {
			return nil, regpass.Hintf(fmt.Errorf("%s stands behind default, where curl does not look", m.name), "move its entry before default")
		}
		out, found = splice(out, e.edits(m, f.eol())), true
	}
	if !found {
		out = splice(data, []spliced{f.insert(m, last)})
	}
	if err := longNetrcLine(out); err != nil {
		return nil, err
	}
	return out, nil
}

// spliced is text to put in the place of data[start:end].
type spliced struct {
	start, end int
	text       string
}

// splice makes edits that do not overlap, given in the order of their places.
func splice(data []byte, edits []spliced) []byte {
	var out []byte
	at := 0
	for _, e := range edits {
		out = append(append(out, data[at:e.start]...), e.text...)
		at = e.end
	}
	return append(out, data[at:]...)
}

// edits are what makes e say m. Keyword and value come to stand on one line, as curl wants them.
func (e netrcEntry) edits(m machine, eol string) []spliced {
	_, login := e.field("login")
	_, password := e.field("password")
	head := "machine " + m.name
	if !login {
		head += eol + "login " + m.login
	}
	if !password {
		head += eol + "password " + m.password
	}
	all := []spliced{{e.start, e.head.end, head}}
	for _, f := range e.fields {
		value := map[string]string{"login": m.login, "password": m.password}[f.name()]
		if value != "" { // not account
			all = append(all, spliced{f.key.start, f.value.end, f.name() + " " + value})
		}
	}
	return all
}

// insert is a new entry, before the entry number last if that is not -1.
func (f netrcFile) insert(m machine, last int) spliced {
	eol := f.eol()
	text := strings.Join([]string{"machine " + m.name, "login " + m.login, "password " + m.password, ""}, eol)
	if last >= 0 {
		at := f.entries[last].start
		line := bytes.LastIndexByte(f.data[:at], '\n') + 1
		if len(bytes.Trim(f.data[line:at], blanks)) == 0 {
			return spliced{line, line, text}
		}
		return spliced{at, at, eol + text}
	}
	end := len(f.data)
	if f.open { // close the macro, or our entry would be part of it
		text = eol + text
	}
	if end > 0 && f.data[end-1] != '\n' {
		text = eol + text
	}
	return spliced{end, end, text}
}

// eol is how the file ends its lines.
func (f netrcFile) eol() string {
	if i := bytes.IndexByte(f.data, '\n'); i > 0 && f.data[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}
