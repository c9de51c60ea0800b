// Package session answers "what was kept and written, and how is that undone?". Each CI job or login has one private
// folder with the credentials that were minted in it and a journal of every file that was changed.
package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/gofrs/flock"

	"github.com/regpass/regpass"
)

// Session is the private folder of one CI job or one login. It keeps the credentials that were minted, so a single-use
// CI token is exchanged once, and a journal of the changed files, so a later process can undo the changes. All access
// goes through the folder that was checked when it was opened, even if another folder takes its name later.
type Session struct {
	Dir  string
	env  *regpass.Env
	root *os.Root
	made bool         // by this process
	used *flock.Flock // held by each process that started the session; nil: it did not
}

// The names in a session's folder. Logout removes these and nothing else.
const (
	lockName  = "regpass.lock" // locked while any other file changes; it also marks the folder as a session's
	stateName = "state.json"   // credentials and journal; replaced by rename, so readers need no lock
	stateTemp = "state.tmp"    // the next state, before the rename
	filesName = "files"        // our private files: netrc, rattler.json, uv/
	undoName  = "undo-"        // + ID: the former content of a changed file
	mintName  = "mint-"        // + key: locked while that credential is minted
	subName   = "exec-"        // + ID: a session of its own for each running command
	aliveName = "alive"        // in a command's session: locked while the command runs
	usedName  = "used"         // locked, by several at once, while processes use the session
	endedName = "ended"        // a logout came while commands ran: the last of them removes the folder
)

// isOurs reports whether a name in the folder is one of the above.
func isOurs(name string) bool {
	switch name {
	case lockName, stateName, stateTemp, filesName, aliveName, endedName, usedName:
		return true
	}
	return strings.HasPrefix(name, undoName) || strings.HasPrefix(name, mintName) || strings.HasPrefix(name, subName)
}

// Open creates the session's folder, or opens an existing one if it belongs to us, is private, and is empty or a
// session's.
func Open(env *regpass.Env, dir string) (*Session, error) {
	s, err := open(env, dir)
	// A logout may remove the folder between two steps of ours, and another login may make it again.
	for tries := 0; (errors.Is(err, fs.ErrNotExist) || errors.Is(err, errReplaced)) && tries < 10; tries++ {
		s, err = open(env, dir)
	}
	return s, err
}

// errReplaced means that the opened folder is not the one that was checked.
var errReplaced = errors.New("the folder was replaced while it was opened")

func open(env *regpass.Env, dir string) (*Session, error) {
	err := os.MkdirAll(filepath.Dir(dir), 0o700)
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	made := err == nil
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = fmt.Errorf("session: make its folder: %w", err)
		return nil, regpass.Hintf(err, "set REGPASS_SESSION_DIR to a private folder that can be written")
	}
	s, err := openExisting(env, dir, true)
	if err != nil {
		return nil, err
	}
	s.made = made
	mark, err := s.root.OpenFile(lockName, os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = mark.Close()
	}
	if err == nil {
		err = removeIfThere(s.root, endedName) // the session begins again
	}
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	return s, nil
}

// Current opens the session of this job or login; nil if there is none.
func Current(env *regpass.Env) (*Session, error) {
	dir, err := Dir(env)
	if err != nil {
		return nil, err
	}
	return At(env, dir)
}

// At opens the session in dir; nil if there is none.
func At(env *regpass.Env, dir string) (*Session, error) {
	s, err := openExisting(env, dir, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return s, err
}

// Start opens the session of this job or login, and creates it if there is none. Call Leave at the end. ctx limits how
// long it waits for another process, of which only one that hangs takes time.
func Start(ctx context.Context, env *regpass.Env) (*Session, error) {
	dir, err := Dir(env)
	if err != nil {
		return nil, err
	}
	s, err := Open(env, dir)
	if err == nil {
		err = s.join(ctx)
	}
	for tries := 0; errors.Is(err, errReplaced) && tries < 10; tries++ {
		if s, err = Open(env, dir); err == nil {
			err = s.join(ctx)
		}
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// openExisting opens the session in dir. The error wraps fs.ErrNotExist if there is none, or if the folder holds only
// leftovers, which begin makes a session again. A folder that another user could have put there or can read, and one
// that holds other files, is an error too.
func openExisting(env *regpass.Env, dir string, begin bool) (*Session, error) {
	st, err := os.Lstat(dir)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	const elsewhere = "set REGPASS_SESSION_DIR to a private folder"
	switch {
	case !st.IsDir():
		return nil, regpass.Hintf(fmt.Errorf("session: %s is not a folder", dir), elsewhere)
	case !regpass.OwnedByUs(st):
		return nil, regpass.Hintf(fmt.Errorf("session: %s belongs to another user", dir), elsewhere)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	s := &Session{Dir: dir, env: env, root: root}
	if now, err := root.Stat("."); err != nil || !os.SameFile(st, now) {
		return nil, fmt.Errorf("session: %s: %w", dir, errReplaced)
	}
	all, err := s.list()
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	switch mode := st.Mode().Perm(); {
	case s.leftover(all) && begin:
		return s, s.takeOver()
	case s.leftover(all):
		return nil, fmt.Errorf("session: %s holds none: %w", dir, fs.ErrNotExist)
	case runtime.GOOS != "windows" && mode&0o077 != 0:
		err := fmt.Errorf("session: %s is open to others (mode %s)", dir, fmt.Sprintf("%04o", mode))
		return nil, regpass.Hintf(err, "close it with `chmod 700 %s`, or %s", dir, elsewhere)
	case len(all) > 0 && !slices.Contains(all, lockName):
		err := fmt.Errorf("session: %s holds other files", dir)
		return nil, regpass.Hintf(err, "set REGPASS_SESSION_DIR to a folder that does not exist yet")
	}
	return s, nil
}

// list returns the names in the folder.
func (s *Session) list() ([]string, error) { return s.listIn(".") }

// listIn returns the names in a folder below the session's.
func (s *Session) listIn(name string) ([]string, error) {
	f, err := s.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

// Files is the path of the folder for our private files.
func (s *Session) Files() string { return filepath.Join(s.Dir, filesName) }
