package project

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/regpass/regpass"
)

// place is where a project lies.
type place struct {
	root string // the repository's root, or empty: none is known
	home string
	ours func(fs.FileInfo) bool // a file or folder of the user's, of root, or of whom the project's folder belongs to
}

// passedOver is the reason why a file is not read.
type passedOver struct{ error }

var (
	errMany          = passedOver{fmt.Errorf("there are more than %d files beside it that may name registries", maxFiles)}
	errForeign       = passedOver{errors.New("it belongs to another user")}
	errForeignFolder = passedOver{errors.New("its folder belongs to another user")}
	errOutside       = passedOver{errors.New("it is a link that leads out of the project")}
)

// placeOf looks for the root of the repository around env.Dir, by the same rules as for files.
func placeOf(env *regpass.Env) place {
	p := place{home: env.Home, ours: func(fs.FileInfo) bool { return true }}
	if start, err := os.Stat(env.Dir); err == nil {
		// The folder's owner is somebody else where a container works as root on a checkout of its host.
		p.ours = func(f fs.FileInfo) bool { return regpass.OwnedByUsOrRoot(f) || regpass.SameOwner(f, start) }
	}
	for dir := env.Dir; ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			p.root = dir
			return p
		}
		if p.ends(dir) {
			return p
		}
	}
}

// ends reports whether nothing above dir is part of the project: what is there may be anybody's.
func (p place) ends(dir string) bool {
	up := filepath.Dir(dir)
	if dir == p.root || dir == p.home || up == dir {
		return true
	}
	st, err := os.Stat(up)
	return err != nil || !p.ours(st)
}

// maxNames is the number of names in a folder that are looked at.
const maxNames = 10_000

// names returns the names in a folder, sorted, and those of files without a pattern also in a folder that has too many.
func names(dir string) []string {
	var names []string
	if f, err := os.Open(dir); err == nil { // a folder that may not be listed can hold files that may be read
		names, _ = f.Readdirnames(maxNames)
		_ = f.Close()
	}
	for _, f := range files {
		if !slices.Contains(names, f.name) {
			if _, err := os.Lstat(filepath.Join(dir, f.name)); err == nil {
				names = append(names, f.name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// read reads a plain file of at most maxFile bytes. A link may not lead out of the repository, or out of the folder of
// the file if no repository is known.
func (p place) read(path string) ([]byte, error) {
	root := p.root
	if root == "" {
		root = filepath.Dir(path)
	}
	name, err := filepath.Rel(root, path)
	if err != nil {
		return nil, err
	}
	in, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	st, err := in.Stat(name)
	switch link, lerr := in.Lstat(name); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, err
	case err != nil && lerr == nil && link.Mode()&fs.ModeSymlink != 0:
		return nil, errOutside
	case err != nil:
		return nil, err
	case !p.ours(st), lerr == nil && !p.ours(link): // whoever made a link chose the file
		return nil, errForeign
	}
	text, opened, err := regpass.ReadPlainIn(in, name, maxFile)
	if err == nil && !os.SameFile(st, opened) {
		return nil, errors.New("it was replaced while it was read")
	}
	return text, err
}
