package session

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/regpass/regpass"
)

// maxFile is the largest file, in bytes, that is changed in place.
const maxFile = 1 << 20

// Whether a file has to outlive a loss of power.
const (
	durable  = true
	fleeting = false
)

// create writes a new file. A name that is taken is an error, also by a link: nothing is ever written through one.
func create(in *os.Root, name string, content []byte, mode fs.FileMode, sync bool) error {
	f, err := in.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil && sync {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		_ = in.Remove(name)
	}
	return err
}

// replace puts content in the place of the file name, or of none, in one step: a reader sees all of the one or all of
// the other. temp is a name in the same folder that only we use; what stands there is left from a process that was killed.
func replace(in *os.Root, name, temp string, content []byte, mode fs.FileMode, sync bool) error {
	if err := removeIfThere(in, temp); err != nil {
		return err
	}
	if err := create(in, temp, content, mode, sync); err != nil {
		return err
	}
	if err := in.Rename(temp, name); err != nil {
		_ = in.Remove(temp)
		return err
	}
	if sync {
		return syncFolder(in)
	}
	return nil
}

// exchange puts temp in the place of the file name of the user's, if that still is what it was.
func exchange(in *os.Root, name, temp string, was found) error {
	now, err := lookIn(in, name)
	if err == nil && !now.same(was) {
		err = errChanged
	}
	if err == nil {
		err = in.Rename(temp, name)
	}
	if err != nil {
		_ = in.Remove(temp)
	}
	return err
}

func removeIfThere(in *os.Root, name string) error {
	if err := in.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// errChanged is what comes of two writers at one time.
var errChanged = regpass.Hintf(errors.New("another program changed it at the same moment"), "try again")

// found is a file of the user's as it was read; zero for none.
type found struct {
	content []byte // nil: there is no file
	mode    fs.FileMode
}

// same reports whether two files hold the same, or are both not there.
func (f found) same(other found) bool {
	return (f.content == nil) == (other.content == nil) && bytes.Equal(f.content, other.content)
}

// look reads a file of the user's. It must be a plain one of their own, with no second name, and of at most maxFile
// bytes: anything else is not ours to replace.
func look(path string) (found, error) {
	dir := filepath.Dir(path)
	// Opening a pipe would wait for its other end.
	if st, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return found{}, nil
	} else if err != nil {
		return found{}, err
	} else if !st.IsDir() {
		return found{}, fmt.Errorf("%s is not a folder", dir)
	}
	in, err := os.OpenRoot(dir)
	if err != nil {
		return found{}, err
	}
	defer in.Close()
	return lookIn(in, filepath.Base(path))
}

func lookIn(in *os.Root, name string) (found, error) {
	st, err := in.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return found{}, nil
	}
	if err == nil {
		err = replaceable(in, st)
	}
	if err != nil {
		return found{}, err
	}
	f, err := in.Open(name)
	if err != nil {
		return found{}, err
	}
	defer f.Close()
	if now, err := f.Stat(); err != nil || !os.SameFile(st, now) {
		return found{}, errChanged
	}
	content, err := regpass.ReadAll(f, maxFile)
	if errors.Is(err, regpass.ErrTooLong) {
		err = fmt.Errorf("it is %w", err)
	}
	return found{content, st.Mode().Perm()}, err
}

// replaceable reports why a file must not be replaced, or nil.
func replaceable(in *os.Root, st fs.FileInfo) error {
	switch {
	case st.Mode()&fs.ModeSymlink != 0: // what it points to may be shared or versioned
		to, _ := in.Readlink(st.Name())
		return fmt.Errorf("it is a symbolic link to %s", regpass.Quote(to))
	case !st.Mode().IsRegular():
		return errors.New("it is not a plain file")
	case !ownedByUs(st):
		return errors.New("it belongs to somebody else")
	case hasOtherNames(st): // replacing it would part the two
		return errors.New("it has a second name, a hard link")
	}
	return nil
}

func sum(content []byte) string {
	h := sha256.Sum256(content)
	return hex.EncodeToString(h[:])
}
