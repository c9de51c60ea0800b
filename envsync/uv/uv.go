// Package uv answers "how is a credential said in uv's text store?", which `uv auth login` writes.
package uv

import (
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// Store is the format of uv's text store. The file is always a private one.
var Store = envsync.Format{Name: "uv", Set: set, Restore: restore, Keys: keys}

// Plan makes a private folder for uv's text store. It is a folder of its own, since uv also puts a lock file there.
func Plan(env *regpass.Env, own envsync.Private, entries []envsync.Entry, _ envsync.Options) (envsync.Plan, error) {
	want, err := credentials(entries)
	if err != nil {
		return envsync.Plan{}, err
	}
	var notes []string
	from := storePath(env)
	old, err := envsync.Existing(from)
	var base []byte
	if err == nil && old != nil {
		var left []string
		base, left, err = carry(old, want)
		for _, service := range left {
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
	return own.Plan(entries, base, notes), nil
}

// storePath names the file that `uv auth login` writes, or "" (crates/uv-auth/src/store.rs, TextCredentialStore).
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
