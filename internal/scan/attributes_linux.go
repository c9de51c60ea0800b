package scan

import (
	"bytes"
	"syscall"
)

// attributes returns the extended attributes of a file or folder by their names. It is empty if none can be read.
func attributes(path string) map[string]string {
	names := make([]byte, 64<<10) // XATTR_LIST_MAX (xattr(7))
	n, err := syscall.Listxattr(path, names)
	if err != nil {
		return nil
	}
	all := map[string]string{}
	value := make([]byte, 64<<10) // XATTR_SIZE_MAX
	for name := range bytes.SplitSeq(names[:n], []byte{0}) {
		if size, err := syscall.Getxattr(path, string(name), value); err == nil {
			all[string(name)] = string(value[:size])
		}
	}
	return all
}
