//go:build unix

package project

import (
	"io/fs"
	"os"
	"syscall"
)

// mayBeRead reports whether a file belongs to us, to root, or to the owner of the folder in which we were started: that
// is somebody else where a container works as root on a checkout of its host.
func mayBeRead(st, dir fs.FileInfo) bool {
	file, ok1 := st.Sys().(*syscall.Stat_t)
	start, ok2 := dir.Sys().(*syscall.Stat_t)
	return ok1 && ok2 && (file.Uid == 0 || int(file.Uid) == os.Geteuid() || file.Uid == start.Uid)
}
