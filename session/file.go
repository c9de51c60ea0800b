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
	"syscall"

	"github.com/regpass/regpass"
)

// maxFile is the largest file, in bytes, that is changed in place.
const maxFile = 1 << 20

// durability says whether a file must survive a loss of power.
type durability bool

const (
	durable  durability = true
	volatile durability = false
)

// create writes a new file. A name that is taken, even by a link, is an error: nothing is ever written through a link.
func create(in *os.Root, name string, content []byte, mode fs.FileMode, d durability) error {
	f, err := in.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil && d == durable {
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

// replace writes a file of mode 0600 in one step: a reader sees either the old content or the new. temp is a name in
// the same folder that only we use; a file that is there was left by a process that was killed.
func replace(in *os.Root, name, temp string, content []byte, d durability) error {
	if err := removeIfThere(in, temp); err != nil {
		return err
	}
	if err := create(in, temp, content, 0o600, d); err != nil {
		return err
	}
	if err := in.Rename(temp, name); err != nil {
		_ = in.Remove(temp)
		return err
	}
	if d == durable {
		return syncFolder(in)
	}
	return nil
}

// swapIn renames temp to name, a file of the user's, if that is still as it was.
func swapIn(in *os.Root, name, temp string, was snapshot) error {
	now, err := readSnapshotIn(in, name)
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

// errChanged means that another program wrote the file at the same time.
var errChanged = regpass.Hintf(errors.New("another program changed it at the same moment"), "try again")

// snapshot is a file of the user's as it was read; zero if there is none.
type snapshot struct {
	content []byte // nil: there is no file
	mode    fs.FileMode
}

// same reports whether two files have the same content, or both do not exist.
func (s snapshot) same(other snapshot) bool {
	return (s.content == nil) == (other.content == nil) && bytes.Equal(s.content, other.content)
}

// readSnapshot reads a file of the user's. It must be a plain file of at most maxFile bytes that belongs to the user
// and has no second name: we may not replace any other.
func readSnapshot(path string) (snapshot, error) {
	dir := filepath.Dir(path)
	// Opening a pipe would wait for its other end.
	if st, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return snapshot{}, nil
	} else if err != nil {
		return snapshot{}, err
	} else if !st.IsDir() {
		return snapshot{}, fmt.Errorf("%s is not a folder", dir)
	}
	in, err := os.OpenRoot(dir)
	if err != nil {
		return snapshot{}, err
	}
	defer in.Close()
	return readSnapshotIn(in, filepath.Base(path))
}

func readSnapshotIn(in *os.Root, name string) (snapshot, error) {
	st, err := in.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return snapshot{}, nil
	}
	if err == nil {
		err = replaceable(in, st)
	}
	if err != nil {
		return snapshot{}, err
	}
	f, err := in.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // it may be a pipe by now
	if err != nil {
		return snapshot{}, err
	}
	defer f.Close()
	if now, err := f.Stat(); err != nil || !os.SameFile(st, now) {
		return snapshot{}, errChanged
	}
	content, err := regpass.ReadAll(f, maxFile)
	if errors.Is(err, regpass.ErrTooLong) {
		err = fmt.Errorf("it is %w", err)
	}
	return snapshot{content, st.Mode().Perm()}, err
}

// replaceable returns why a file must not be replaced, or nil.
func replaceable(in *os.Root, st fs.FileInfo) error {
	switch {
	case st.Mode()&fs.ModeSymlink != 0: // its target may be shared or versioned
		to, _ := in.Readlink(st.Name())
		return fmt.Errorf("it is a symbolic link to %s", regpass.Quote(to))
	case !st.Mode().IsRegular():
		return errors.New("it is not a plain file")
	case !regpass.OwnedByUs(st):
		return errors.New("it belongs to another user")
	case hasOtherNames(st): // the other name would keep the old content
		return errors.New("it has a second name, a hard link")
	}
	return nil
}

func sum(content []byte) string {
	h := sha256.Sum256(content)
	return hex.EncodeToString(h[:])
}
