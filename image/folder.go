package image

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// folder looks at every file below root: an OCI layout, a cache export, an exported file system, a builder's root.
// What vanishes meanwhile is passed over.
func (s *scan) folder(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.next(); err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		at := place{}.file(filepath.ToSlash(name))
		s.text(at, "name", name)
		if d.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(path)
			s.text(at, "link", target)
			return ignoreGone(err)
		}
		if !d.IsDir() && !d.Type().IsRegular() {
			return nil
		}
		for _, text := range attributes(path) {
			s.text(at, "attributes", text)
		}
		if d.IsDir() {
			return nil
		}
		return s.onDisk(at, path)
	})
}

func (s *scan) onDisk(at place, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return ignoreGone(err)
	}
	defer func() { _ = f.Close() }()
	err = s.stream(at, f)
	if err != nil && at.blob != "" {
		return s.broken(at, err)
	}
	return err
}

func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
