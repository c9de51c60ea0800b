package regpass

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// ErrTooLong is the error for content that is longer than its reader allows.
var ErrTooLong = errors.New("too long")

// ReadAll reads r to its end, but not more than limit bytes. Content that is longer is ErrTooLong, whose text is
// "longer than 1024 bytes"; its first limit bytes are returned beside the error.
func ReadAll(r io.Reader, limit int64) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(content)) > limit {
		return content[:limit], tagged{fmt.Errorf("longer than %d bytes", limit), ErrTooLong}
	}
	return content, err
}

// pipeWait is how long a pipe may take to give its content.
const pipeWait = 30 * time.Second

// ReadFile reads a file of at most limit bytes; a longer one is ErrTooLong. It also reads a pipe, so that process
// substitution works: one that nobody writes to is empty, and one that is not closed within 30 seconds is an error. The
// error gives only the reason: the caller names the file, and quotes a name from outside.
func ReadFile(path string, limit int64) ([]byte, error) { return readFile(path, limit, pipeWait) }

func readFile(path string, limit int64, wait time.Duration) ([]byte, error) {
	f, err := os.OpenFile(path, noWait, 0)
	if err != nil {
		return nil, Reason(err)
	}
	defer f.Close()
	_ = f.SetReadDeadline(time.Now().Add(wait)) // only pipes have one
	content, err := ReadAll(f, limit)
	if err != nil {
		return nil, Reason(err)
	}
	return content, nil
}

// ReadSecretFile is ReadFile for a file that holds a secret and is named by a setting, such as a variable. People put
// the secret itself there, so the error shows the path only where there is such a file.
func ReadSecretFile(setting, path string, limit int64) ([]byte, error) {
	content, err := ReadFile(path, limit)
	if err == nil {
		return content, nil
	}
	if _, missing := os.Lstat(path); missing != nil {
		return nil, Hintf(fmt.Errorf("%s names no file: %w", setting, Reason(missing)),
			"it must be the path of a file that holds the secret, not the secret itself")
	}
	return nil, fmt.Errorf("%s: %s: %w", setting, Quote(path), err)
}

// ErrNotPlain is the error for a path that must name a plain file and names a folder, a pipe or a device.
var ErrNotPlain = errors.New("not a plain file")

// noWait opens a file without waiting: to open a pipe would wait for its other end, with a context that nobody ends.
const noWait = os.O_RDONLY | syscall.O_NONBLOCK

// ReadPlain is ReadFile for a file that others can put there, such as one of a checkout: it never waits. A path that
// is no plain file is ErrNotPlain.
func ReadPlain(path string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(path, noWait, 0)
	content, _, err := readPlain(f, err, limit)
	return content, err
}

// ReadPlainIn is ReadPlain for a file below a folder, which no link leads out of. It also tells which file it was.
func ReadPlainIn(in *os.Root, name string, limit int64) ([]byte, fs.FileInfo, error) {
	f, err := in.OpenFile(name, noWait, 0)
	return readPlain(f, err, limit)
}

// OpenPlain opens a plain file as ReadPlain does. Its error for another path is a *fs.PathError.
func OpenPlain(path string) (*os.File, error) {
	f, err := os.OpenFile(path, noWait, 0)
	f, _, err = plain(f, err)
	if errors.Is(err, ErrNotPlain) {
		err = &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return f, err
}

// plain passes on a file that was opened, with what it is, or closes it if it is no plain file.
func plain(f *os.File, err error) (*os.File, fs.FileInfo, error) {
	if err != nil {
		return nil, nil, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = ErrNotPlain
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, st, nil
}

func readPlain(f *os.File, err error, limit int64) ([]byte, fs.FileInfo, error) {
	f, st, err := plain(f, err)
	if err != nil {
		return nil, nil, Reason(err)
	}
	defer f.Close()
	content, err := ReadAll(f, limit)
	if err != nil {
		return nil, nil, Reason(err)
	}
	return content, st, nil
}

// Reason returns the cause in a *fs.PathError, which would repeat the path.
func Reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
