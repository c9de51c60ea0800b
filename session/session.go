// Package session answers "what was kept and written, and how is that undone?": one private folder for each CI job or
// login, with the credentials minted in it and the journal of every file that was changed.
package session

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// Session is the private folder of one CI job or one login: the credentials minted in it, so that a single-use CI
// token is traded once, and the journal of what was written, so that a later process can undo it. Everything in it is
// reached through the folder that was checked when it was opened, whatever happens to the name later.
type Session struct {
	Dir  string
	env  *regpass.Env
	root *os.Root
}

// What stands in a session's folder. Logout removes these and nothing else.
const (
	lockName  = "regpass.lock" // held while one of the others changes; also the mark of a session's folder
	stateName = "state.json"   // credentials and journal; replaced whole by rename, so readers need no lock
	stateTemp = "state.tmp"    // the next one
	filesName = "files"        // our own files: netrc, rattler.json, uv/
	undoName  = "undo-"        // + ID: what a changed file held before
	mintName  = "mint-"        // + key: held while that credential is minted
	subName   = "exec-"        // + ID: a session of its own for each running command
	aliveName = "alive"        // in a command's session: held while the command runs
	endedName = "ended"        // logout came while commands ran: the last of them removes the folder
)

// ours reports whether a name in the folder is one of the above.
func ours(name string) bool {
	switch name {
	case lockName, stateName, stateTemp, filesName, aliveName, endedName:
		return true
	}
	return strings.HasPrefix(name, undoName) || strings.HasPrefix(name, mintName) || strings.HasPrefix(name, subName)
}

// Open makes the session's folder, or takes the one that is there if it is ours, private, and a session's or empty.
func Open(env *regpass.Env, dir string) (*Session, error) {
	s, err := open(env, dir)
	// A logout may remove the folder between two steps of ours, and another login may make it again.
	for tries := 0; (errors.Is(err, fs.ErrNotExist) || errors.Is(err, errReplaced)) && tries < 10; tries++ {
		s, err = open(env, dir)
	}
	return s, err
}

// errReplaced says that the folder that was checked is not the one that was opened.
var errReplaced = errors.New("the folder was replaced while it was opened")

func open(env *regpass.Env, dir string) (*Session, error) {
	err := os.MkdirAll(filepath.Dir(dir), 0o700)
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, regpass.Hintf(fmt.Errorf("session: make its folder: %w", err), "set REGPASS_SESSION_DIR to a private folder that can be written")
	}
	s, err := Existing(env, dir)
	if err != nil {
		return nil, err
	}
	mark, err := s.root.OpenFile(lockName, os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = mark.Close()
	}
	if err == nil {
		err = removeIfThere(s.root, endedName) // it begins anew
	}
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	return s, nil
}

// Current takes the session of this job or login, or nil where there is none.
func Current(env *regpass.Env) (*Session, error) {
	dir, err := Where(env)
	if err != nil {
		return nil, err
	}
	return At(env, dir)
}

// At takes the session in dir, or nil where there is none.
func At(env *regpass.Env, dir string) (*Session, error) {
	s, err := Existing(env, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return s, err
}

// Start opens the session of this job or login, and makes it where there is none.
func Start(env *regpass.Env) (*Session, error) {
	dir, err := Where(env)
	if err != nil {
		return nil, err
	}
	return Open(env, dir)
}

// Existing takes the session in dir. It is an error wrapping fs.ErrNotExist if there is none, and one if the folder
// could have been put there or read by somebody else, or is used for something else.
func Existing(env *regpass.Env, dir string) (*Session, error) {
	st, err := os.Lstat(dir)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	why := ""
	switch {
	case !st.IsDir():
		why = "is not a folder"
	case !ownedByUs(st):
		why = "belongs to somebody else"
	case runtime.GOOS != "windows" && st.Mode().Perm()&0o077 != 0:
		why = fmt.Sprintf("is open to others (mode %04o)", st.Mode().Perm())
	}
	if why != "" {
		return nil, regpass.Hintf(fmt.Errorf("session: %s %s", dir, why), "remove it, or set REGPASS_SESSION_DIR to a private folder")
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
	if len(all) > 0 && !slices.Contains(all, lockName) {
		return nil, regpass.Hintf(fmt.Errorf("session: %s holds something else", dir), "set REGPASS_SESSION_DIR to a folder that is not there yet")
	}
	return s, nil
}

// list names what stands in the folder.
func (s *Session) list() ([]string, error) {
	f, err := s.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

// Files is the folder for our own files.
func (s *Session) Files() string { return filepath.Join(s.Dir, filesName) }
