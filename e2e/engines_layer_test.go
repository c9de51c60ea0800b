//go:build engines && linux

package e2e

import (
	"archive/tar"
	"bytes"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// layer is a layer of an image in the making. Everything in it belongs to root. The first error stays in err.
type layer struct {
	content  bytes.Buffer
	tar      *tar.Writer
	folders  map[string]bool
	programs []string // on this machine: all ELF files that were copied
	err      error
}

func newLayer() *layer {
	l := &layer{folders: map[string]bool{"/": true}}
	l.tar = tar.NewWriter(&l.content)
	return l
}

func (l *layer) folder(name string, mode int64) {
	if l.folders[name] {
		return
	}
	l.folder(path.Dir(name), 0o755)
	l.folders[name] = true
	l.add(tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode}, nil)
}

func (l *layer) file(name string, mode int64, content string) {
	l.folder(path.Dir(name), 0o755)
	l.add(tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode}, []byte(content))
}

func (l *layer) link(name, target string) {
	l.folder(path.Dir(name), 0o755)
	l.add(tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777}, nil)
}

func (l *layer) add(header tar.Header, content []byte) {
	if l.err != nil {
		return
	}
	header.Name, header.Size = strings.TrimPrefix(header.Name, "/"), int64(len(content))
	if l.err = l.tar.WriteHeader(&header); l.err == nil {
		_, l.err = l.tar.Write(content)
	}
}

// leftOut are folders and files of Python that images do not have: its tests, its editor, and Debian's wish that
// nobody but Debian installs packages.
var leftOut = map[string]bool{"test": true, "idlelib": true, "EXTERNALLY-MANAGED": true}

// copy adds a file of this machine, or a folder and all below it. Times stay, for Python compares them with those in
// its compiled files.
func (l *layer) copy(from, to string) error {
	err := filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := path.Join(to, strings.TrimPrefix(name, from))
		switch {
		case leftOut[d.Name()] && d.IsDir():
			return fs.SkipDir
		case leftOut[d.Name()]:
			return nil
		case d.IsDir():
			l.folder(target, 0o755)
			return l.err
		case d.Type()&fs.ModeSymlink != 0 && name != from:
			at, err := os.Readlink(name)
			if err == nil {
				l.link(target, at)
			}
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		st, err := os.Stat(name)
		if err != nil {
			return err
		}
		if bytes.HasPrefix(content, []byte("\x7fELF")) {
			l.programs = append(l.programs, name)
		}
		l.folder(path.Dir(target), 0o755)
		l.add(tar.Header{Typeflag: tar.TypeReg, Name: target, Mode: int64(st.Mode().Perm()), ModTime: st.ModTime()}, content)
		return l.err
	})
	return err
}
