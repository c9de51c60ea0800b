package sts

import "io/fs"

// trustedOwner is not known: on Windows a file has no such owner.
func trustedOwner(fs.FileInfo) bool { return true }
