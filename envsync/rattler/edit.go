package rattler

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// set replaces the values of our keys in place and adds new keys at the end, in the style of the file.
func (r keyRule) set(old []byte, entries []envsync.Entry) ([]byte, error) {
	_, entries, err := envsync.Distinct("rattler", entries, keyOf)
	if err != nil {
		return nil, err
	}
	var want []member
	for _, e := range entries {
		raw, err := authentication(e.Cred)
		if err != nil {
			return nil, regpass.Hintf(fmt.Errorf("rattler: %s: %w", e.Ref, err), "other sinks: netrc, env, uv")
		}
		keys, err := r.keysFor(e)
		if err != nil {
			return nil, fmt.Errorf("rattler: %w", err)
		}
		if err := e.CheckPorts(); err != nil {
			return nil, fmt.Errorf("rattler: %w", err)
		}
		for _, k := range keys {
			want = append(want, member{name: k, raw: raw})
		}
	}
	return setMembers(old, want)
}

func setMembers(data []byte, want []member) ([]byte, error) {
	if data == nil {
		data = []byte("{}\n")
	}
	for _, w := range want {
		all, err := parse(data)
		if err != nil {
			return nil, fmt.Errorf("rattler: %w", err)
		}
		edits := replaceValues(all, w.name, styled(data, all, w.raw))
		if edits == nil {
			edits = []envsync.Replacement{addition(data, all, w)}
		}
		data = envsync.Splice(data, edits)
	}
	if _, err := parse(data); err != nil {
		return nil, fmt.Errorf("rattler: the file we made: %w", err)
	}
	return data, nil
}

// addition is a new last member, spaced like the first one.
func addition(data []byte, all []member, w member) envsync.Replacement {
	name, _ := json.Marshal(w.name)
	open := bytes.IndexByte(data, '{') + 1
	if len(all) == 0 {
		return envsync.Replacement{Start: open, End: open, Text: string(name) + ":" + string(w.raw)}
	}
	first, end := all[0], all[len(all)-1].end
	before, colon := string(data[open:first.start]), string(data[first.colon:first.value])
	text := "," + before + string(name) + colon + styled(data, all, w.raw)
	return envsync.Replacement{Start: end, End: end, Text: text}
}

// styled indents a value if the members of the file are indented.
func styled(data []byte, all []member, raw []byte) string {
	if len(all) == 0 {
		return string(raw)
	}
	lead := string(data[bytes.IndexByte(data, '{')+1 : all[0].start])
	i := strings.LastIndexByte(lead, '\n')
	if i < 0 {
		return string(raw)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, lead[i+1:], lead[i+1:]); err != nil {
		return string(raw)
	}
	return b.String()
}
