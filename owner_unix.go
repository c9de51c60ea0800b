//go:build unix

package regpass

import (
	"io/fs"
	"os"
	"syscall"
)

// OwnedByUs reports whether a file belongs to the user that we run as.
func OwnedByUs(st fs.FileInfo) bool {
	uid, ok := owner(st)
	return ok && int(uid) == os.Geteuid()
}

// OwnedByUsOrRoot reports whether a file belongs to the user that we run as, or to root, who can write it anyway.
func OwnedByUsOrRoot(st fs.FileInfo) bool {
	uid, ok := owner(st)
	return ok && uid == 0 || OwnedByUs(st)
}

// SameOwner reports whether two files belong to one user.
func SameOwner(a, b fs.FileInfo) bool {
	first, ok := owner(a)
	second, known := owner(b)
	return ok && known && first == second
}

// owner is the user whom a file belongs to.
func owner(st fs.FileInfo) (uid uint32, known bool) {
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return sys.Uid, true
}
