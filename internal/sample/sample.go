// Package sample builds the smallest packages that real clients install, so tests and the demonstration need no
// network. The same name and version always give the same bytes.
package sample

import (
	"archive/zip"
	"bytes"
	"fmt"
	"hash/crc32"
	"regexp"
	"time"
)

// made is the modification time of every file in a conda package.
var made = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// file is one file of an archive.
type file struct {
	name string // slashes, relative
	data []byte
}

// check refuses a name or a version that is not in the normal form of both Python and conda.
func check(name, version string) error {
	if !regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`).MatchString(name) {
		return fmt.Errorf("sample: the name %q is not lower-case words joined by -", name)
	}
	if !regexp.MustCompile(`^[0-9]+(\.[0-9]+)*$`).MatchString(version) {
		return fmt.Errorf("sample: the version %q is not numbers joined by dots", version)
	}
	return nil
}

// zipped packs files in their order, uncompressed and without a time. Size and checksum stand before each file, so the
// archive can be unpacked while it arrives; otherwise rattler fetches a package twice.
func zipped(files []file) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range files {
		size := uint64(len(f.data))
		h := &zip.FileHeader{Name: f.name, Method: zip.Store, CRC32: crc32.ChecksumIEEE(f.data),
			CompressedSize64: size, UncompressedSize64: size}
		h.SetMode(0o644)
		w, err := z.CreateRaw(h)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
