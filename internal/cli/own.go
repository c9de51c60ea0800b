package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
	"github.com/regpass/regpass/project"
	"github.com/regpass/regpass/registry"
)

// ownConfig is the place of the user's own file below the folder for configuration. It has the form of a project's
// regpass.toml, and the origins of its registries are trusted where a checkout names them.
const ownConfig = "regpass/regpass.toml"

// vouch returns refs with what the user's own file says of their origins: those that the checkout names become trusted,
// and take over the options of the file's entry. Those that the user names take over options that they do not set.
func (a *app) vouch(refs []regpass.Ref) ([]regpass.Ref, error) {
	own, err := a.ownRegistries(refs)
	if err != nil || len(own) == 0 {
		return refs, err
	}
	all := slices.Clone(refs)
	for i, r := range all {
		if entry, exact, ok := entryFor(own, r); ok {
			all[i] = vouched(r, entry, exact)
		}
	}
	return all, nil
}

// ownRegistries reads the user's own file. One that REGPASS_CONFIG names must be there and be in order. The usual one
// is passed over with a warning if it is malformed or others could have written it, and in a CI job: earlier jobs can
// write to the home folder of a runner.
func (a *app) ownRegistries(refs []regpass.Ref) ([]regpass.Ref, error) {
	path := a.set.Config
	named := path != ""
	switch {
	case named && !filepath.IsAbs(path):
		err := regpass.Usagef("%sCONFIG is not an absolute path", settingPrefix)
		return nil, regpass.Hintf(err, "a relative one would name a file of the checkout")
	case !named:
		path = a.ownPath()
	}
	if path == "" {
		return nil, nil
	}
	err := onlyOurs(path)
	switch {
	case err == nil:
	case named:
		return nil, fmt.Errorf("%sCONFIG: %w", settingPrefix, err)
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	default:
		a.say.Warn(fmt.Errorf("%s is not read: %w", path, err))
		return nil, nil
	}
	if i := slices.IndexFunc(ci.Systems, func(s ci.System) bool { return s.Detect(a.env) }); !named && i >= 0 {
		if slices.ContainsFunc(refs, func(r regpass.Ref) bool { return !r.Trusted }) {
			a.say.notef("%s is not read in a job of %s; %sCONFIG has it read", path, ci.Systems[i].Title, settingPrefix)
		}
		return nil, nil
	}
	found, err := project.Config(path)
	for _, r := range found.Refs {
		if _, wrong := registry.Find(a.env, vouched(r, r, true)); wrong != nil && err == nil {
			err = fmt.Errorf("config: %s: %w", path, wrong)
		}
	}
	if err != nil && !named {
		a.say.Warn(err)
		return nil, nil
	}
	a.warnAll(found.Left)
	return found.Refs, err
}

// ownPath is the usual path of the user's own file, or empty.
func (a *app) ownPath() string {
	dir := a.env.Getenv("XDG_CONFIG_HOME")
	switch {
	case filepath.IsAbs(dir):
	case runtime.GOOS == "windows":
		dir = a.env.Getenv("APPDATA")
	case a.env.Home == "":
		return ""
	case runtime.GOOS == "darwin":
		dir = filepath.Join(a.env.Home, "Library", "Application Support")
	default:
		dir = filepath.Join(a.env.Home, ".config")
	}
	if !filepath.IsAbs(dir) {
		return ""
	}
	return filepath.Join(dir, filepath.FromSlash(ownConfig))
}

// onlyOurs returns why others could have written a file, or nil. It looks at the file itself, where it is a link, and
// at the folders that hold the two.
func onlyOurs(path string) error {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return regpass.Reason(err)
	}
	for _, p := range []string{target, filepath.Dir(target), filepath.Dir(path)} {
		st, err := os.Stat(p)
		switch {
		case err != nil:
			return regpass.Reason(err)
		case !regpass.OwnedByUsOrRoot(st):
			return fmt.Errorf("%s belongs to another user", regpass.Quote(p))
		case runtime.GOOS != "windows" && st.Mode().Perm()&0o022 != 0:
			err := fmt.Errorf("others can write to %s (mode %04o)", regpass.Quote(p), st.Mode().Perm())
			return regpass.Hintf(err, "run `chmod go-w %s`, if nobody else has written there", p)
		}
	}
	return nil
}

// entryFor picks the entry for ref's origin: the one with the longest path that ref's lies below, otherwise the first.
// exact: it is the very URL.
func entryFor(own []regpass.Ref, r regpass.Ref) (entry regpass.Ref, exact, ok bool) {
	depth := -1
	for _, o := range own {
		if o.URL.Scheme != r.URL.Scheme || o.URL.Host != r.URL.Host {
			continue
		}
		path, base := slashed(r), slashed(o)
		if !ok {
			entry, ok = o, true
		}
		if strings.HasPrefix(path, base) && len(base) > depth {
			entry, exact, depth = o, path == base, len(base)
		}
	}
	return entry, exact, ok
}

// slashed is the escaped path of ref with one slash at the end.
func slashed(r regpass.Ref) string { return strings.TrimRight(r.URL.EscapedPath(), "/") + "/" }

// vouched is ref with what an entry for its origin says. Of what a checkout says nothing may contradict the entry. Its
// name for the index is dropped: it could choose a variable with another server's key.
func vouched(r, entry regpass.Ref, exact bool) regpass.Ref {
	options := maps.Clone(entry.Options)
	if entry.User != "" {
		options["username"] = entry.User
	}
	if !exact {
		delete(options, "name")
	}
	for k, v := range r.Options {
		switch {
		case !r.Trusted && k == "name":
		case !r.Trusted && options[k] != v, k == "type" && options[k] != v && options[k] != "":
			return r
		default:
			options[k] = v
		}
	}
	if r.User != "" && r.Trusted {
		delete(options, "username")
	}
	r.Options = options
	r.Vouched = r.Vouched || !r.Trusted
	r.Trusted = true
	return r
}
