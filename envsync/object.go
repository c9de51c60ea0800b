package envsync

import (
	"bytes"
	"encoding/json"
	"errors"
)

// Member is one name with its value in a JSON object. Offsets are into the whole text.
type Member struct {
	Name       string
	Start      int // of the quoted name
	Colon      int // end of the quoted name
	Value, End int
	Raw        []byte // the value
}

// Members lists the members of the object that begins at an offset of valid JSON, in the order of the text, with
// duplicates. open is the offset behind its brace.
func Members(text []byte, at int) (all []Member, open int, err error) {
	notObject := errors.New("not an object")
	d := json.NewDecoder(bytes.NewReader(text[at:]))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, 0, notObject
	}
	open = at + int(d.InputOffset())
	for d.More() {
		before := at + int(d.InputOffset())
		t, err := d.Token()
		name, isName := t.(string)
		if err != nil || !isName {
			return nil, 0, notObject
		}
		m := Member{Name: name, Colon: at + int(d.InputOffset())}
		m.Start = before + bytes.IndexByte(text[before:m.Colon], '"')
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, 0, notObject
		}
		m.Raw, m.End = raw, at+int(d.InputOffset())
		m.Value = m.End - len(raw)
		all = append(all, m)
	}
	return all, open, nil
}

// Removal is the replacement that removes a member and one comma next to it.
func Removal(all []Member, at int) Replacement {
	m := all[at]
	switch {
	case at+1 < len(all):
		return Replacement{Start: m.Start, End: all[at+1].Start}
	case at > 0:
		return Replacement{Start: all[at-1].End, End: m.End}
	}
	return Replacement{Start: m.Start, End: m.End}
}
