package image

import (
	"bytes"
	"syscall"
)

// attributes are the extended attributes of a file or folder, as name=value. It is empty where there are none to be read.
func attributes(path string) []string {
	names := make([]byte, 64<<10) // XATTR_LIST_MAX (xattr(7))
	n, err := syscall.Listxattr(path, names)
	if err != nil {
		return nil
	}
	var all []string
	value := make([]byte, 64<<10) // XATTR_SIZE_MAX
	for name := range bytes.SplitSeq(names[:n], []byte{0}) {
		if size, err := syscall.Getxattr(path, string(name), value); err == nil {
			all = append(all, string(name)+"="+string(value[:size]))
		}
	}
	return all
}
