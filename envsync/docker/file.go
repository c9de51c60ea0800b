package docker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/regpass/regpass/envsync"
)

// Helpers is the format of the user's own file. It names a helper for each host: one for all hosts, credsStore, would
// hide what the file has for the others
// (https://docs.docker.com/reference/cli/docker/login/#credential-helpers).
var Helpers = envsync.Format{
	Name: "setup-docker", Public: true,
	Set: func(old []byte, entries []envsync.Entry) ([]byte, error) {
		all := keys(entries)
		if len(all) == 0 {
			return nil, errors.New("docker: no host is named")
		}
		for _, e := range entries {
			if _, err := e.Host(); err != nil {
				return nil, fmt.Errorf("docker: %w", err)
			}
		}
		return setHelpers(old, all)
	},
	Restore: restoreHelpers,
	Keys:    keys,
}

const (
	helpersName = "credHelpers"
	ours        = `"regpass"` // of docker-credential-regpass
)

// keys are the hosts by docker's names for them.
func keys(entries []envsync.Entry) []string {
	var keys []string
	for _, e := range entries {
		key := e.Cred.Host
		if key == "docker.io" {
			key = hub
		}
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// named is the last member of that name, which counts; ok is false if there is none.
func named(all []envsync.Member, name string) (m envsync.Member, ok bool) {
	for _, m := range slices.Backward(all) {
		if m.Name == name {
			return m, true
		}
	}
	return envsync.Member{}, false
}

// parse lists the members of the file and of its credHelpers.
func parse(data []byte) (top, helpers []envsync.Member, open, inner int, err error) {
	if !utf8.Valid(data) || !json.Valid(data) {
		return nil, nil, 0, 0, errors.New("it is not JSON")
	}
	if top, open, err = envsync.Members(data, 0); err != nil {
		return nil, nil, 0, 0, err
	}
	if m, ok := named(top, helpersName); ok {
		if helpers, inner, err = envsync.Members(data, m.Value); err != nil {
			return nil, nil, 0, 0, fmt.Errorf("%s: %w", helpersName, err)
		}
	}
	return top, helpers, open, inner, nil
}

func setHelpers(data []byte, keys []string) ([]byte, error) {
	if data == nil {
		data = []byte("{}\n")
	}
	for _, key := range keys {
		top, helpers, open, inner, err := parse(data)
		if err != nil {
			return nil, err
		}
		name, _ := json.Marshal(key)
		m, ok := named(helpers, key)
		switch {
		case ok:
			data = envsync.Splice(data, []envsync.Replacement{{Start: m.Value, End: m.End, Text: ours}})
		case inner > 0:
			data = envsync.Splice(data, []envsync.Replacement{last(data, helpers, inner, string(name)+": "+ours)})
		default:
			text := `"` + helpersName + `": {` + string(name) + ": " + ours + "}"
			if lead := leading(data, top, open); strings.Contains(lead, "\n") { // as docker writes it
				deeper := lead + strings.TrimLeft(lead, "\r\n")
				text = `"` + helpersName + `": {` + deeper + string(name) + ": " + ours + lead + "}"
			}
			data = envsync.Splice(data, []envsync.Replacement{last(data, top, open, text)})
		}
	}
	return data, nil
}

// leading is the space before an object's first member.
func leading(data []byte, all []envsync.Member, open int) string {
	if len(all) == 0 {
		return ""
	}
	return string(data[open:all[0].Start])
}

// last puts a new member behind the others, spaced like the first.
func last(data []byte, all []envsync.Member, open int, text string) envsync.Replacement {
	if len(all) == 0 {
		return envsync.Replacement{Start: open, End: open, Text: text}
	}
	end := all[len(all)-1].End
	return envsync.Replacement{Start: end, End: end, Text: "," + leading(data, all, open) + text}
}

func restoreHelpers(now, before []byte, keys []string) ([]byte, error) {
	if now == nil {
		return nil, nil
	}
	if redone, err := setHelpers(before, keys); err == nil && bytes.Equal(redone, now) {
		return before, nil
	}
	var was []envsync.Member
	if before != nil {
		var err error
		if _, was, _, _, err = parse(before); err != nil {
			return nil, fmt.Errorf("docker: %w", err)
		}
	}
	for _, key := range keys {
		_, helpers, _, _, err := parse(now)
		if err != nil {
			return nil, fmt.Errorf("docker: %w", err)
		}
		m, ok := named(helpers, key)
		if !ok || string(now[m.Value:m.End]) != ours {
			continue // another helper took over
		}
		if former, ok := named(was, key); ok {
			now = envsync.Splice(now, []envsync.Replacement{
				{Start: m.Value, End: m.End, Text: string(before[former.Value:former.End])}})
			continue
		}
		now = without(now, helpers, m)
	}
	top, helpers, _, inner, err := parse(now)
	if m, ok := named(top, helpersName); err == nil && ok && inner > 0 && len(helpers) == 0 && was == nil {
		if now = without(now, top, m); len(top) == 1 && before == nil {
			return nil, nil
		}
	}
	return now, nil
}

// without removes a member and one comma next to it.
func without(data []byte, all []envsync.Member, m envsync.Member) []byte {
	at := slices.IndexFunc(all, func(o envsync.Member) bool { return o.Start == m.Start })
	return envsync.Splice(data, []envsync.Replacement{envsync.Removal(all, at)})
}
