// Package netrc answers "how is a credential said in a netrc?": the format, with the differences between its readers.
package netrc

import (
	"bytes"
	"errors"
	"fmt"

	gonetrc "github.com/jdx/go-netrc"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// Formats: of a file of the user's, which is edited, and of our own, which is written in the part of the format that
// all readers agree on.
var (
	InPlace = envsync.Format{Name: "netrc", Set: set, Restore: restore, Keys: keys}
	Private = envsync.Format{Name: "netrc-private", Set: setPrivate, Restore: restore, Keys: keys}
)

// Plan makes a private netrc that also carries the entries of the one it stands in for, or changes a named one.
func Plan(env *regpass.Env, own envsync.Private, entries []envsync.Entry, o envsync.Options) (envsync.Plan, error) {
	if path := o.InPlace["netrc"]; path != "" {
		return planInPlace(env, own, env.Abs(path), entries)
	}
	from := Path(env)
	old, err := envsync.Existing(from)
	if err != nil {
		return envsync.Plan{}, fmt.Errorf("netrc: %w", err)
	}
	base, warnings, err := carry(old)
	if err != nil {
		return envsync.Plan{}, regpass.Hintf(fmt.Errorf("netrc: %s: %w", from, err),
			"correct the file, or set NETRC to one that is well-formed")
	}
	for i, w := range warnings {
		warnings[i] = fmt.Sprintf("netrc: %s: %s", from, w)
	}
	if _, err := setPrivate(base, entries); err != nil {
		return envsync.Plan{}, err
	}
	return own.Plan(entries, base, warnings), nil
}

func planInPlace(env *regpass.Env, own envsync.Private, path string, entries []envsync.Entry) (envsync.Plan, error) {
	old, err := envsync.Existing(path)
	if err != nil {
		return envsync.Plan{}, fmt.Errorf("netrc: %w", err)
	}
	now, err := set(old, entries)
	if err != nil {
		return envsync.Plan{}, regpass.Hintf(fmt.Errorf("%s is left as it is: %w", path, err),
			"name no file, and a private one is made")
	}
	p := envsync.Plan{Changes: []envsync.Change{{Path: path, Format: InPlace, Entries: entries}}}
	if path != Path(env) {
		p.Vars = []envsync.Var{{Name: own.Var.Name, Plain: path}}
	}
	if bytes.ContainsAny(now, `#"`) {
		// netrc-rs, which rattler reads with, has no comments and no quotes (https://github.com/conda/rattler/issues/1029).
		p.Warnings = []string{fmt.Sprintf("netrc: pixi may ignore all of %s, since it holds a comment or a quote", path)}
	}
	return p, nil
}

// carry writes anew what a netrc says, as far as all readers agree on it: one keyword a line, plain words, no
// comments, default last. What cannot be said so is left out with a warning.
func carry(old []byte) (portable []byte, warnings []string, err error) {
	f, err := parse(old)
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

func (e entry) portable(head string) (string, error) {
	if e.ambiguous != nil {
		return "", e.ambiguous
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
	return text, longLine([]byte(text))
}

// setPrivate is Set for our own file. A second, independent reader must find in it what we wrote.
func setPrivate(old []byte, entries []envsync.Entry) ([]byte, error) {
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

// reread checks content with go-netrc, which reads rightly what carry and setMachines write, though not every
// netrc: it has no macdef and no quotes, loses its place at comments and panics at a last word "machine".
func reread(content []byte, want []machine) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("netrc: the file we made cannot be read")
		}
	}()
	n, err := gonetrc.ParseString(string(content))
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
