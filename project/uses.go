package project

import (
	"path/filepath"
	"slices"

	"github.com/regpass/regpass"
)

// Has reports whether the project around env.Dir has a file with one of the names, which are patterns of path.Match. It
// looks in the folders that Find looks in, from env.Dir up to the project's root.
func Has(env *regpass.Env, patterns []string) bool {
	p := placeOf(env)
	for dir := env.Dir; ; dir = filepath.Dir(dir) {
		for _, pattern := range patterns {
			if slices.ContainsFunc(names(dir), file{name: pattern}.is) {
				return true
			}
		}
		if p.ends(dir) {
			return false
		}
	}
}

// Names are the registries that the project's files give a name, for clients that know a credential by it. Files that
// cannot be read name none.
func Names(env *regpass.Env) []regpass.Named {
	found, err := Find(env)
	if err != nil {
		return nil
	}
	return found.Names
}
