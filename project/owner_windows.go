package project

import "io/fs"

// mayBeRead is true: on Windows a FileInfo does not tell the owner.
func mayBeRead(_, _ fs.FileInfo) bool { return true }
