// Package project answers "which registries does this checkout name?". It reads a project's files for regpass, uv and
// pixi, and trusts none of them: its refs are never regpass.Ref.Trusted.
package project

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pelletier/go-toml/v2"

	"github.com/regpass/regpass"
)

// maxFile is the size of the largest project file that is read, in bytes.
const maxFile = 1 << 20

// named are the registries that a file names, as text.
type named struct {
	ours   []string // written for regpass: each must be a valid ref
	others []string // written for another program: only those that are a valid ref count
}

// file is a file that a project may have.
type file struct {
	name string
	read func(text string) (named, error)
}

// files are the files that are looked for, in this order. A file with any other name has the format of the first.
var files = []file{
	{"regpass.toml", readRegpass},
	{"pyproject.toml", readPyproject},
	{"uv.toml", readUV},
	{"pixi.toml", readPixi},
}

// Refs reads the registries of the project around dir: of the files in dir, or else in the nearest folder above it that
// has any. It returns each registry once, with Origin set to the path of the first file that names it, and the paths of
// all files that it read. Both are empty if there is no file.
func Refs(dir string) (refs []regpass.Ref, paths []string, err error) {
	for {
		refs, paths, err := refsOf(dir)
		up := filepath.Dir(dir)
		if err != nil || len(paths) > 0 || up == dir {
			return refs, paths, err
		}
		dir = up
	}
}

// refsOf is Refs for one folder.
func refsOf(dir string) (refs []regpass.Ref, paths []string, err error) {
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		text, err := read(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("project: %w", err)
		}
		found, err := f.refs(path, text)
		if err != nil {
			return nil, nil, fmt.Errorf("project: %s: %w", path, err)
		}
		paths, refs = append(paths, path), append(refs, found...)
	}
	return regpass.Unique(refs, regpass.Ref.String), paths, nil
}

// Config reads the registries in one file, in the format of the file of that name, or that of regpass.toml for any
// other name. It returns each registry once, with Origin set to path.
func Config(path string) ([]regpass.Ref, error) {
	text, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	format := files[0]
	for _, f := range files {
		if f.name == filepath.Base(path) {
			format = f
		}
	}
	refs, err := format.refs(path, text)
	if err != nil {
		return nil, fmt.Errorf("config: %s: %w", path, err)
	}
	return regpass.Unique(refs, regpass.Ref.String), nil
}

// refs reads the registries in one file. Of those written for other programs it leaves out a bare channel name
// ("conda-forge" is public), a local path, plain http: none of these takes a credential from us.
func (f file) refs(path, text string) (refs []regpass.Ref, err error) {
	found, err := f.read(text)
	var bad *toml.DecodeError
	if errors.As(err, &bad) { // its String method would quote the file
		line, _ := bad.Position()
		err = fmt.Errorf("line %d: %w", line, err)
	}
	if err != nil {
		return nil, regpass.Hintf(regpass.Usagef("%s", regpass.Quote(err.Error())),
			"name the registry on the command line to go without this file")
	}
	for _, word := range found.ours {
		r, err := regpass.ParseRef(word)
		if err != nil {
			return nil, err
		}
		refs = append(refs, r)
	}
	for _, word := range found.others {
		if r, err := regpass.ParseRef(word); err == nil && !r.Bare {
			refs = append(refs, r)
		}
	}
	for i := range refs {
		refs[i].Origin = path
	}
	return refs, nil
}

// read reads a plain file of at most maxFile bytes.
func read(path string) (string, error) {
	st, err := os.Stat(path)
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a plain file", path) // opening a pipe would wait
	}
	if err != nil {
		return "", err
	}
	text, err := regpass.ReadFile(path, maxFile)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return string(text), nil
}
