package session

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/envsync/clients"
)

// A shell may still name our files after a logout. A client that runs in it makes the folders anew, as uv does for its
// lock, with the modes that it likes. So a folder that holds nothing but such leftovers is no session, and the next one
// takes it over.

// leftover reports whether the folder holds something, and nothing but what clients and Undo leave behind.
func (s *Session) leftover(all []string) bool {
	for _, name := range all {
		id, command := strings.CutPrefix(name, subName)
		switch {
		case command && isID().MatchString(id):
		case name != filesName || !s.onlyClients():
			return false
		}
	}
	return len(all) > 0
}

// onlyClients reports whether the folder of private files holds no other names than those of clients' files.
func (s *Session) onlyClients() bool {
	st, err := s.root.Lstat(filesName)
	if err != nil || !st.IsDir() {
		return false
	}
	all, err := s.listIn(filesName)
	return err == nil && !slices.ContainsFunc(all, func(name string) bool {
		return !slices.ContainsFunc(clients.All, func(c envsync.Sink) bool {
			first, _, _ := strings.Cut(c.File, "/")
			return c.File != "" && first == name
		})
	})
}

// takeOver makes a folder with leftovers an empty session. A file that a client has written since is kept, with what a
// person may have logged in to, unless others could write it. Links are ours.
func (s *Session) takeOver() error {
	open := false
	err := fs.WalkDir(s.root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := d.Info()
		if err == nil && st.Mode()&fs.ModeSymlink == 0 {
			open = open || runtime.GOOS != "windows" && st.Mode().Perm()&0o022 != 0 || !regpass.OwnedByUs(st)
		}
		return err
	})
	if err == nil {
		err = s.root.Chmod(".", 0o700)
	}
	var all []string
	if err == nil {
		all, err = s.list()
	}
	if err == nil && !s.leftover(all) { // it was changed meanwhile
		err = fmt.Errorf("%s: %w", s.Dir, errReplaced)
	}
	for _, name := range all {
		if err == nil && (name != filesName || open) {
			err = s.root.RemoveAll(name)
		}
	}
	if err == nil {
		err = s.removeLinks()
	}
	if err != nil {
		return fmt.Errorf("session: take over %s: %w", s.Dir, err)
	}
	return nil
}

// removeLinks removes the links that Undo left.
func (s *Session) removeLinks() error {
	all, err := s.listIn(filesName)
	if err != nil {
		return nil // there is no such folder
	}
	for _, name := range all {
		name = filepath.Join(filesName, name)
		st, err := s.root.Lstat(name)
		if err == nil && st.Mode()&fs.ModeSymlink != 0 {
			err = s.root.Remove(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
