// Package netrc answers "how is a credential written in a netrc?". It knows the format and the differences between its
// readers.
package netrc

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	gonetrc "github.com/jdx/go-netrc"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// The formats of the user's own file, which is edited, and of our private file, which uses only the part of the format
// that every reader understands alike.
var (
	InPlace = envsync.Format{Name: "netrc", NoPorts: true, Set: set, Restore: restore, Keys: keys}
	Private = envsync.Format{Name: "netrc-private", NoPorts: true, Set: setPrivate, Restore: restore, Keys: keys}
)

// Plan plans a private netrc that also holds the entries of the netrc that it replaces, or a change of a named netrc.
func Plan(env *regpass.Env, private envsync.Private, entries []envsync.Entry, o envsync.Options) (envsync.Plan, error) {
	if path := o.InPlace["netrc"]; path != "" {
		path = env.Abs(path)
		if _, err := env.Output(filepath.Dir(path)); err != nil {
			return envsync.Plan{}, fmt.Errorf("netrc: %w", err)
		}
		return planInPlace(env, private.Var.Name, path, entries)
	}
	from := Path(env)
	old, err := envsync.ReadExisting(from)
	if err != nil {
		return envsync.Plan{}, fmt.Errorf("netrc: %w", err)
	}
	base, warnings, err := portableCopy(old)
	if err != nil {
		err = fmt.Errorf("netrc: %s: %w", from, err)
		return envsync.Plan{}, regpass.Hintf(err, "correct the file, or set NETRC to one that is well-formed")
	}
	for i, w := range warnings {
		warnings[i] = fmt.Sprintf("netrc: %s: %s", from, w)
	}
	if _, err := setPrivate(base, entries); err != nil {
		return envsync.Plan{}, err
	}
	if curlAlone(o.Command) {
		warnings = append(warnings, "curl reads no netrc by itself: run it as `sh -c 'curl --netrc-file \"$NETRC\" …'`")
	}
	return private.Plan(entries, base, from, warnings), nil
}

// curlFlags are flags by which curl is told a netrc, or another credential.
var curlFlags = []string{"--netrc-file", "-u", "--user", "-H", "--header", "--oauth2-bearer", "-K", "--config"}

// curlAlone reports whether the command is curl without such a flag (https://curl.se/docs/manpage.html#--netrc-file).
func curlAlone(command []string) bool {
	return len(command) > 0 && strings.TrimSuffix(filepath.Base(command[0]), ".exe") == "curl" &&
		!slices.ContainsFunc(command[1:], func(arg string) bool {
			return slices.ContainsFunc(curlFlags, func(flag string) bool { return strings.HasPrefix(arg, flag) })
		})
}

func planInPlace(env *regpass.Env, variable, path string, entries []envsync.Entry) (envsync.Plan, error) {
	old, err := envsync.ReadExisting(path)
	if err != nil {
		return envsync.Plan{}, fmt.Errorf("netrc: %w", err)
	}
	now, err := set(old, entries)
	if err != nil {
		err = fmt.Errorf("%s is left as it is: %w", path, err)
		return envsync.Plan{}, regpass.Hintf(err, "leave the file out, and regpass makes a private one")
	}
	p := envsync.Plan{Changes: []envsync.Change{{Path: path, Format: InPlace, Entries: entries}}}
	if path != Path(env) {
		p.Vars = []envsync.Var{{Name: variable, Plain: path}}
	}
	if bytes.ContainsAny(now, `#"`) {
		// netrc-rs, which rattler reads with, has no comments and no quotes (https://github.com/conda/rattler/issues/1029).
		p.Warnings = []string{fmt.Sprintf("netrc: pixi may ignore all of %s, since it holds a comment or a quote", path)}
	}
	return p, nil
}

// portableCopy writes the entries of a netrc in the way that all readers read the same: one keyword a line, plain
// words, no comments, default last. It leaves out entries that cannot be written so, with a warning.
func portableCopy(old []byte) (portable []byte, warnings []string, err error) {
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
	if err := checkPortable(e.head.text); err != nil && !e.isDefault {
		return "", fmt.Errorf("its name %w", err)
	}
	text := head + "\n"
	for _, key := range []string{"login", "account", "password"} {
		value, ok := e.field(key)
		if !ok || value.text == "" && !value.escaped { // all readers read an empty value like none
			continue
		}
		if value.escaped {
			return "", fmt.Errorf("its %s holds a backslash", key)
		}
		if err := checkPortable(value.text); err != nil {
			return "", fmt.Errorf("its %s %w", key, err)
		}
		text += key + " " + value.text + "\n"
	}
	return text, longLine([]byte(text))
}

// setPrivate is envsync.Format.Set for our private file. An independent reader must read back the values that we wrote.
func setPrivate(old []byte, entries []envsync.Entry) ([]byte, error) {
	want, err := machines(entries)
	if err != nil {
		return nil, err
	}
	out, err := setMachines(old, want)
	if err == nil {
		err = verify(out, want)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// verify reads content with go-netrc. That reads the output of portableCopy and setMachines correctly, but not every
// netrc: it knows no macdef and no quotes, goes wrong at comments and panics at a last word "machine".
func verify(content []byte, want []machine) (err error) {
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
