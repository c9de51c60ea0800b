package session

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/regpass/regpass/envsync"
)

// Shell is a variable that a login gave to a shell. It holds no secret.
type Shell struct {
	Name  string
	Plain string `json:",omitempty"` // its value, if that is not a secret
	Sum   string `json:",omitempty"` // fingerprint of its value, if that is one
	Was   string `json:",omitempty"` // its value before, if neither is one
	Own   string `json:",omitempty"` // see envsync.Var
}

// Remember keeps which variables a login hands out, for Shell. A logout restores the values that they have now.
func (s *Session) Remember(ctx context.Context, vars []envsync.Var) error {
	return s.update(ctx, func(st *state) { s.remember(st, vars) })
}

func (s *Session) remember(st *state, vars []envsync.Var) {
	for _, v := range vars {
		i := slices.IndexFunc(st.Shell, func(k Shell) bool { return k.Name == v.Name })
		if i < 0 {
			i = len(st.Shell)
			st.Shell = append(st.Shell, Shell{Name: v.Name})
		}
		known := &st.Shell[i]
		known.Plain, known.Sum, known.Own = v.Plain, "", v.Own
		if !v.Secret.Empty() {
			known.Plain, known.Sum = "", v.Secret.Fingerprint()
		} else if was := s.env.Getenv(v.Name); was != v.Plain && !s.Holds(was) {
			known.Was = was
		}
	}
}

// Shell lists the variables that logins of this session handed out.
func (s *Session) Shell() ([]Shell, error) {
	st, err := s.load()
	return st.Shell, err
}

// Holds reports whether a path is one of our private files' or of their folders'.
func (s *Session) Holds(path string) bool { return Holds(s.Dir, path) }

// Holds reports whether a path is one of a private file or its folder in the session whose folder is dir.
func Holds(dir, path string) bool {
	return strings.HasPrefix(path, filepath.Join(dir, filesName)+string(filepath.Separator))
}

// link puts links to the user's own files where shells still look for ours, and reports whether there is one. A link
// that cannot be made leaves the shell as it would be without.
func (s *Session) link(shell []Shell) bool {
	some := false
	for _, v := range shell {
		name, err := s.within(v.Plain)
		if err != nil || !s.Holds(v.Plain) || v.Own == "" || s.Holds(v.Own) {
			continue
		}
		if _, err := os.Stat(v.Own); err != nil {
			continue
		}
		if err := s.root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			continue
		}
		err = s.root.Symlink(v.Own, name)
		some = some || err == nil || errors.Is(err, fs.ErrExist)
	}
	return some
}
