package cli

import "io/fs"

// oursOrRoots is true: on Windows the file is in the user's profile, and its access list keeps others out.
func oursOrRoots(fs.FileInfo) bool { return true }
