package envsync

import (
	"fmt"
	"path/filepath"

	"github.com/regpass/regpass"
)

// planUV makes a private folder for uv's text store. It is a folder of its own, since uv also puts a lock file there.
func planUV(env *regpass.Env, dir string, entries []Entry, _ Options) (Plan, error) {
	p := Plan{Vars: []Var{{Name: "UV_CREDENTIALS_DIR", Plain: filepath.Join(dir, "uv")}}}
	want, err := uvCredentials(entries)
	if err != nil {
		return Plan{}, err
	}
	from := uvStore(env)
	old, err := existing(from)
	var base []byte
	if err == nil && old != nil {
		var left []string
		base, left, err = carryUV(old, want)
		for _, service := range left {
			p.Warnings = append(p.Warnings, fmt.Sprintf("uv: the credential for %s in %s is not in the private copy, where ours is to be found", regpass.Quote(service), from))
		}
	}
	if err != nil {
		p.Warnings = append(p.Warnings, fmt.Sprintf("uv: what %s holds is not in the private copy: %v", from, err))
	}
	if _, err := setUV(base, entries); err != nil {
		return Plan{}, err
	}
	path := filepath.Join(dir, "uv", "credentials.toml")
	p.Changes = []Change{{Path: path, Own: true, Format: "uv", Entries: entries, Base: base}}
	return p, nil
}
