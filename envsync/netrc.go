package envsync

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/jdx/go-netrc"

	"github.com/regpass/regpass"
)

// planNetrc makes a private netrc that also carries what the one it stands in for says, or changes a named one.
func planNetrc(env *regpass.Env, dir string, entries []Entry, o Options) (Plan, error) {
	if o.NetrcFile != "" {
		return planNetrcInPlace(env, env.Abs(o.NetrcFile), entries)
	}
	from := netrcPath(env)
	old, err := existing(from)
	if err != nil {
		return Plan{}, fmt.Errorf("netrc: %w", err)
	}
	base, warnings, err := carryNetrc(old)
	if err != nil {
		return Plan{}, regpass.Hintf(fmt.Errorf("netrc: %s: %w", from, err), "correct the file, or set NETRC to one that is well-formed")
	}
	for i, w := range warnings {
		warnings[i] = fmt.Sprintf("netrc: %s: %s", from, w)
	}
	if _, err := setPrivateNetrc(base, entries); err != nil {
		return Plan{}, err
	}
	path := filepath.Join(dir, "netrc")
	return Plan{
		Vars:     []Var{{Name: "NETRC", Plain: path}},
		Changes:  []Change{{Path: path, Own: true, Format: "netrc-private", Entries: entries, Base: base}},
		Warnings: warnings,
	}, nil
}

func planNetrcInPlace(env *regpass.Env, path string, entries []Entry) (Plan, error) {
	old, err := existing(path)
	if err != nil {
		return Plan{}, fmt.Errorf("netrc: %w", err)
	}
	now, err := setNetrc(old, entries)
	if err != nil {
		return Plan{}, regpass.Hintf(fmt.Errorf("%s is left as it is: %w", path, err), "name no file, and a private one is made")
	}
	p := Plan{Changes: []Change{{Path: path, Format: "netrc", Entries: entries}}}
	if path != netrcPath(env) {
		p.Vars = []Var{{Name: "NETRC", Plain: path}}
	}
	if bytes.ContainsAny(now, `#"`) {
		// netrc-rs, which rattler reads with, has no comments and no quotes (https://github.com/conda/rattler/issues/1029).
		p.Warnings = []string{fmt.Sprintf("netrc: pixi may ignore all of %s, for it holds a comment or a quote", path)}
	}
	return p, nil
}

// carryNetrc writes anew what a netrc says, as far as all readers agree on it: one keyword a line, plain words, no
// comments, default last. What cannot be said so is left out with a warning.
func carryNetrc(old []byte) (portable []byte, warnings []string, err error) {
	f, err := parseNetrc(old)
	if err != nil {
		return nil, nil, err
	}
	var out, last bytes.Buffer
	for _, e := range f.entries {
		to, head, name := &out, "machine "+e.head.text, e.head.text
		if e.isDefault {
			to, head, name = &last, "default", "default"
		}
		text, err := e.portable(head)
		if err != nil {
			warnings = append(warnings, fmt.Sprintf("the entry for %s is not in the private file: %v", regpass.Quote(name), err))
			continue
		}
		to.WriteString(text)
	}
	if f.macros > 0 {
		warnings = append(warnings, "its macdef is not in the private file")
	}
	return append(out.Bytes(), last.Bytes()...), warnings, nil
}

func (e netrcEntry) portable(head string) (string, error) {
	if e.odd != nil {
		return "", e.odd
	}
	if why := unportable(e.head.text); why != "" && !e.isDefault {
		return "", fmt.Errorf("its name %s", why)
	}
	text := head + "\n"
	for _, key := range []string{"login", "account", "password"} {
		value, ok := e.field(key)
		if !ok || value.text == "" && !value.escaped { // no value and an empty one are the same to all
			continue
		}
		if value.escaped {
			return "", fmt.Errorf("its %s holds a backslash", key)
		}
		if why := unportable(value.text); why != "" {
			return "", fmt.Errorf("its %s %s", key, why)
		}
		text += key + " " + value.text + "\n"
	}
	return text, longNetrcLine([]byte(text))
}

// setPrivateNetrc is Set for our own file. A second, independent reader must find in it what we wrote.
func setPrivateNetrc(old []byte, entries []Entry) ([]byte, error) {
	want, err := machines(entries)
	if err != nil {
		return nil, err
	}
	out, err := setMachines(old, want)
	if err == nil {
		err = reread(out, want)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// reread checks content with go-netrc, which reads rightly what carryNetrc and setMachines write, though not every
// netrc: it has no macdef and no quotes, loses its place at comments and panics at a last word "machine".
func reread(content []byte, want []machine) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("netrc: the file we made cannot be read")
		}
	}()
	n, err := netrc.ParseString(string(content))
	if err != nil {
		return errors.New("netrc: the file we made is malformed")
	}
	for _, w := range want {
		if m := n.Machine(w.name); m == nil || m.Get("login") != w.login || m.Get("password") != w.password {
			return fmt.Errorf("netrc: the file we made reads differently for %s", w.name)
		}
	}
	return nil
}
