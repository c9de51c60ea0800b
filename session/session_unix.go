//go:build unix

package session

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// hasOtherNames reports whether a file has hard links.
func hasOtherNames(st fs.FileInfo) bool {
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && sys.Nlink > 1
}

// syncFolder makes changes to the names in a folder survive a loss of power.
func syncFolder(in *os.Root) error {
	f, err := in.Open(".")
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil // some file systems cannot sync a folder
}
