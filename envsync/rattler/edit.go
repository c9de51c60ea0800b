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
	var want []envsync.Member
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
			want = append(want, envsync.Member{Name: k, Raw: raw})
		}
	}
	return setMembers(old, want)
}

func setMembers(data []byte, want []envsync.Member) ([]byte, error) {
	if data == nil {
		data = []byte("{}\n")
	}
	for _, w := range want {
		all, err := parse(data)
		if err != nil {
			return nil, fmt.Errorf("rattler: %w", err)
		}
		edits := replaceValues(all, w.Name, styled(data, all, w.Raw))
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
func addition(data []byte, all []envsync.Member, w envsync.Member) envsync.Replacement {
	name, _ := json.Marshal(w.Name)
	open := bytes.IndexByte(data, '{') + 1
	if len(all) == 0 {
		return envsync.Replacement{Start: open, End: open, Text: string(name) + ":" + string(w.Raw)}
	}
	first, end := all[0], all[len(all)-1].End
	before, colon := string(data[open:first.Start]), string(data[first.Colon:first.Value])
	text := "," + before + string(name) + colon + styled(data, all, w.Raw)
	return envsync.Replacement{Start: end, End: end, Text: text}
}

// styled indents a value if the members of the file are indented.
func styled(data []byte, all []envsync.Member, raw []byte) string {
	if len(all) == 0 {
		return string(raw)
	}
	lead := string(data[bytes.IndexByte(data, '{')+1 : all[0].Start])
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
