// Package scan searches folders and files for secrets that are known, in the tests of builds: an OCI layout, a cache
// export, an exported file system, a builder's own folders.
package scan

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/image"
)

// Path is image.Read for a path: an image as a tar (OCI layout or docker save) or as an OCI layout in a folder, a cache
// export, a folder of files, or one file. In a folder it searches every file; it does not follow symbolic links, and
// passes over all that is neither file, folder nor link, and files that vanish meanwhile.
func Path(ctx context.Context, path string, known *regpass.Redactor, limits image.Limits) ([]image.Finding, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, fmt.Errorf("scan: %w", err)
	}
	if info.IsDir() {
		return folder(ctx, path, known, limits)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("scan: %w", err)
	}
	defer func() { _ = f.Close() }()
	return image.Read(ctx, f, known, limits)
}

// folder packs all below root into a tar while image.Read searches it.
func folder(ctx context.Context, root string, known *regpass.Redactor, limits image.Limits) ([]image.Finding, error) {
	r, w := io.Pipe()
	packed := make(chan struct{})
	go func() {
		defer close(packed)
		_ = w.CloseWithError(pack(w, root)) // it does not fail
	}()
	found, err := image.Read(ctx, r, known, limits)
	_ = r.Close() // ends a pack that is not read to its end
	<-packed
	return found, err
}

// pack writes a tar of all below root.
func pack(w io.Writer, root string) error {
	t := tar.NewWriter(w)
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			err = add(t, root, path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	return errors.Join(err, t.Close())
}

// add writes one file, folder or link.
func add(t *tar.Writer, root, path string) error {
	name, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	header := &tar.Header{Name: filepath.ToSlash(name), Mode: 0o600, Format: tar.FormatPAX}
	switch mode := info.Mode(); {
	case mode&fs.ModeSymlink != 0:
		header.Typeflag = tar.TypeSymlink
		if header.Linkname, err = os.Readlink(path); err != nil {
			return err
		}
		return t.WriteHeader(header)
	case mode.IsDir():
		header.Typeflag, header.PAXRecords = tar.TypeDir, records(path)
		return t.WriteHeader(header)
	case mode.IsRegular():
		header.Typeflag, header.PAXRecords = tar.TypeReg, records(path)
		return addFile(t, header, path)
	}
	return nil
}

// addFile writes a file as long as it is when it is opened: what a builder adds meanwhile is left out, and zeros stand
// for what it cuts off.
func addFile(t *tar.Writer, header *tar.Header, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	header.Size = info.Size()
	if err := t.WriteHeader(header); err != nil {
		return err
	}
	return copyExactly(t, f, header.Size)
}

// copyExactly writes the first size bytes of r, with zeros after its end.
func copyExactly(w io.Writer, r io.Reader, size int64) error {
	n, err := io.Copy(w, io.LimitReader(r, size))
	if err == nil {
		_, err = io.CopyN(w, zeros{}, size-n)
	}
	return err
}

// zeros is an endless reader of them.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// records are the extended attributes of a file or folder as a tar has them. No name in a tar may hold "=".
func records(path string) map[string]string {
	all := map[string]string{}
	for name, value := range attributes(path) {
		all["SCHILY.xattr."+strings.ReplaceAll(name, "=", "_")] = value
	}
	return all
}
