package rattler

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/regpass/regpass/envsync"
)

// restore is envsync.Format.Restore for rattler's file.
func restore(now, before []byte, keys []string) ([]byte, error) {
	if now == nil {
		return nil, nil
	}
	is, err := parse(now)
	if err != nil {
		return nil, fmt.Errorf("rattler: %w", err)
	}
	ours := slices.DeleteFunc(slices.Clone(is), func(m envsync.Member) bool { return !slices.Contains(keys, m.Name) })
	for i, m := range ours {
		var compact bytes.Buffer
		if err := json.Compact(&compact, m.Raw); err != nil {
			return nil, fmt.Errorf("rattler: %w", err)
		}
		ours[i].Raw = compact.Bytes()
	}
	if redone, err := setMembers(before, ours); err == nil && bytes.Equal(redone, now) {
		return before, nil
	}
	var was []envsync.Member
	if before != nil {
		if was, err = parse(before); err != nil {
			return nil, fmt.Errorf("rattler: %w", err)
		}
	}
	for _, k := range keys {
		if now, err = restoreKey(now, k, was); err != nil {
			return nil, fmt.Errorf("rattler: %w", err)
		}
	}
	if left, err := parse(now); err == nil && len(left) == 0 && before == nil {
		return nil, nil
	}
	return now, nil
}

// restoreKey gives the members of that name their former value, or removes them if they had none.
func restoreKey(now []byte, name string, was []envsync.Member) ([]byte, error) {
	named := func(m envsync.Member) bool { return m.Name == name }
	former := slices.DeleteFunc(slices.Clone(was), func(m envsync.Member) bool { return !named(m) })
	for {
		is, err := parse(now)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(is, named)
		if at < 0 {
			return now, nil
		}
		if len(former) > 0 { // the last of several former values counts
			return envsync.Splice(now, replaceValues(is, name, string(former[len(former)-1].Raw))), nil
		}
		now = envsync.Splice(now, []envsync.Replacement{envsync.Removal(is, at)})
	}
}

// replaceValues are the replacements that give all members of that name the value raw.
func replaceValues(all []envsync.Member, name, raw string) []envsync.Replacement {
	var edits []envsync.Replacement
	for _, m := range all {
		if m.Name == name {
			edits = append(edits, envsync.Replacement{Start: m.Value, End: m.End, Text: raw})
		}
	}
	return edits
}
