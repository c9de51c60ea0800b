// Package uv answers "how is a credential written in uv's text store?". `uv auth login` writes that store.
package uv

import (
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// Store is the format of uv's text store. Only private files are written in it.
var Store = envsync.Format{Name: "uv", Set: set, Restore: restore, Keys: keys}

// Plan plans a private folder with uv's text store. The folder holds nothing else but the lock file that uv puts there.
func Plan(env *regpass.Env, private envsync.Private, entries []envsync.Entry, _ envsync.Options) (envsync.Plan, error) {
	want, err := credentials(entries)
	if err != nil {
		return envsync.Plan{}, err
	}
	var notes []string
	from := storePath(env)
	old, err := envsync.ReadExisting(from)
	var base []byte
	if err == nil && old != nil {
		var dropped []string
		base, dropped, err = copyOthers(old, want)
		for _, service := range dropped {
			notes = append(notes, fmt.Sprintf("uv: the credential for %s in %s is left out of the private copy, "+
				"where it would hide ours", regpass.Quote(service), from))
		}
	}
	if err != nil {
		notes = append(notes, fmt.Sprintf("uv: the content of %s is not in the private copy: %v", from, err))
	}
	if _, err := set(base, entries); err != nil {
		return envsync.Plan{}, err
	}
	return private.Plan(entries, base, from, notes), nil
}

// storePath is the path of the file that `uv auth login` writes, or "" (crates/uv-auth/src/store.rs,
// TextCredentialStore).
func storePath(env *regpass.Env) string {
	const name = "credentials.toml"
	if dir := env.Getenv("UV_CREDENTIALS_DIR"); dir != "" {
		return filepath.Join(env.Abs(dir), name)
	}
	data := env.Getenv("XDG_DATA_HOME")
	switch {
	case runtime.GOOS == "windows":
		if data = env.Getenv("APPDATA"); data == "" {
			return ""
		}
		return filepath.Join(data, "uv", "data", "credentials", name)
	case filepath.IsAbs(data):
	case env.Home == "":
		return ""
	default:
		data = filepath.Join(env.Home, ".local", "share")
	}
	return filepath.Join(data, "uv", "credentials", name)
}
