package envsync

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/regpass/regpass"
)

// set replaces values in place and adds new ones at the end, in the style of the file.
func (r rattlerKeys) set(old []byte, entries []Entry) ([]byte, error) {
	_, entries, err := distinct("rattler", entries, rattlerKey)
	if err != nil {
		return nil, err
	}
	var want []member
	for _, e := range entries {
		raw, err := authentication(e.Cred)
		if err != nil {
			return nil, regpass.Hintf(fmt.Errorf("rattler: %s: %w", e.Ref, err), "other sinks: netrc, env, uv")
		}
		keys, err := r.of(e)
		if err != nil {
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
		all, err := parseRattler(data)
		if err != nil {
			return nil, fmt.Errorf("rattler: %w", err)
		}
		var edits []spliced
		for _, m := range all {
			if m.name == w.name {
				edits = append(edits, spliced{m.value, m.end, styled(data, all, w.raw)})
			}
		}
		if edits == nil {
			edits = []spliced{addition(data, all, w)}
		}
		data = splice(data, edits)
	}
	if _, err := parseRattler(data); err != nil {
		return nil, fmt.Errorf("rattler: the file we made: %w", err)
	}
	return data, nil
}

// addition is a new last member, spaced like the first one.
func addition(data []byte, all []member, w member) spliced {
	name, _ := json.Marshal(w.name)
	open := bytes.IndexByte(data, '{') + 1
	if len(all) == 0 {
		return spliced{open, open, string(name) + ":" + string(w.raw)}
	}
	first, end := all[0], all[len(all)-1].end
	return spliced{end, end, "," + string(data[open:first.start]) + string(name) + string(data[first.colon:first.value]) + styled(data, all, w.raw)}
}

// styled indents a value if the file is indented.
func styled(data []byte, all []member, raw []byte) string {
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
