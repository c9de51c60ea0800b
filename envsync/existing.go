package envsync

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/regpass/regpass"
)

// MaxExisting is the size, in bytes, of the largest file that a private one can replace for a client.
const MaxExisting = 1 << 20

// ReadExisting reads a file that a client uses now. It returns nil if there is none, and for the null device, with
// which people switch such a file off. It does not wait for a pipe.
func ReadExisting(path string) ([]byte, error) {
	if path == "" || path == os.DevNull {
		return nil, nil
	}
	content, err := regpass.ReadPlain(path, MaxExisting)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR): // the latter if the home is /dev/null
		return nil, nil
	case errors.Is(err, regpass.ErrNotPlain):
		return nil, fmt.Errorf("%s is %w", path, err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return content, nil
}
