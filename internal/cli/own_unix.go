//go:build unix

package cli

import (
	"io/fs"
	"os"
	"syscall"
)

// oursOrRoots reports whether a file belongs to us or to root.
func oursOrRoots(st fs.FileInfo) bool {
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && (sys.Uid == 0 || int(sys.Uid) == os.Geteuid())
}
