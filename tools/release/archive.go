package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// file is one of an archive.
type file struct {
	name    string // with slashes
	program bool
	content []byte
}

func (f file) mode() os.FileMode {
	if f.program {
		return 0o755
	}
	return 0o644
}

// files are what comes with the program for a platform, in order: texts, manual pages and completions.
func (r *release) files(b binary) ([]file, error) {
	type row struct{ name, path string }
	rows := []row{{"regpass" + b.exe(), b.path}}
	for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md"} {
		rows = append(rows, row{name, filepath.Join(r.from, name)})
	}
	for _, dir := range []string{"completions", "man"} {
		found, err := os.ReadDir(filepath.Join(r.pages, dir)) // sorted by name
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			rows = append(rows, row{dir + "/" + f.Name(), filepath.Join(r.pages, dir, f.Name())})
		}
	}
	var all []file
	for i, row := range rows {
		content, err := os.ReadFile(row.path)
		if err != nil {
			return nil, err
		}
		all = append(all, file{row.name, i == 0, content})
	}
	return all, nil
}

// writeArchive writes all files into one folder of a zip for Windows, of a tar for others.
func (r *release) writeArchive(b binary) error {
	all, err := r.files(b)
	if err != nil {
		return err
	}
	write := tarball
	if strings.HasSuffix(b.archive, ".zip") {
		write = zipped
	}
	content, err := write(all, r.name(b.platform, ""), r.when)
	if err != nil {
		return err
	}
	return r.write(b.archive, content)
}

// write adds a file to the release.
func (r *release) write(name string, content []byte) error {
	return os.WriteFile(filepath.Join(r.to, name), content, 0o666) // less the umask
}

func tarball(all []file, folder string, when time.Time) ([]byte, error) {
	var content bytes.Buffer
	w := tar.NewWriter(&content)
	for _, f := range all {
		err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: folder + "/" + f.name, Mode: int64(f.mode()), Size: int64(len(f.content)),
			ModTime: when, Uname: "root", Gname: "root", Format: tar.FormatUSTAR})
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return gzipped(content.Bytes())
}

func zipped(all []file, folder string, when time.Time) ([]byte, error) {
	var content bytes.Buffer
	z := zip.NewWriter(&content)
	for _, f := range all {
		header := &zip.FileHeader{Name: folder + "/" + f.name, Method: zip.Deflate, Modified: when}
		header.SetMode(f.mode())
		w, err := z.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return content.Bytes(), err
}

// gzipped compresses as gzip -9n does: no name, no time.
func gzipped(content []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	err = w.Close() // writes the rest
	return out.Bytes(), err
}
