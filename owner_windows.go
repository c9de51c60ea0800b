package regpass

import "io/fs"

// OwnedByUs is true: on Windows a FileInfo does not tell the owner. Our files are in the user's profile, and its access
// list keeps others out.
func OwnedByUs(fs.FileInfo) bool { return true }

// OwnedByUsOrRoot is true, as OwnedByUs is.
func OwnedByUsOrRoot(fs.FileInfo) bool { return true }

// SameOwner is true, as OwnedByUs is.
func SameOwner(_, _ fs.FileInfo) bool { return true }
