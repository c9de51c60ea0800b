package regpass

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
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

// ReadFile reads a file of at most limit bytes; a longer one is ErrTooLong. It also reads a pipe, so that process
// substitution works. The error gives only the reason: the caller names the file, and quotes a name from outside.
func ReadFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, reason(err)
	}
	defer f.Close()
	content, err := ReadAll(f, limit)
	if err != nil {
		return nil, reason(err)
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
		return nil, Hintf(fmt.Errorf("%s names no file: %w", setting, reason(missing)),
			"it must be the path of a file that holds the secret, not the secret itself")
	}
	return nil, fmt.Errorf("%s: %s: %w", setting, Quote(path), err)
}

// reason returns the cause in a *fs.PathError, which would repeat the path.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
