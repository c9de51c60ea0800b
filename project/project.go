// Package project answers "which registries does this checkout name?". It reads a project's files for regpass, uv,
// pixi, pip and others, and the variables of uv and pip, and trusts none of them: its refs are never
// regpass.Ref.Trusted.
package project

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/regpass/regpass"
)

const (
	maxFile  = 1 << 20 // size of the largest project file that is read, in bytes
	maxFiles = 64      // files of one folder that are read
	maxRefs  = 100     // registries that a project may name: each could cost a request
	maxNamed = 500     // registries that are read of one file, and entries that are passed over
)

// named are the registries that a file names, as text.
type named struct {
	ours   []string // written for regpass: each must be a valid ref
	others []string // written for another program: only those that are a valid ref count
	names  []regpass.Named
}

// file is a file that a project may have.
type file struct {
	name  string // a pattern of path.Match
	read  func(text string) (named, error)
	marks bool // it marks the project's folder, also if it names no registry
}

// files are the files that are looked for, in this order. A file with any other name has the format of the first.
var files = []file{
	{"regpass.toml", readRegpass, true},
	{"pyproject.toml", readPyproject, true},
	{"uv.toml", readUV, true},
	{"pixi.toml", readPixi, true},
	{"pip.conf", readPip, false},
	{"requirements*.txt", readRequirements, false},
	{"requirements*.in", readRequirements, false},
	{"constraints*.txt", readRequirements, false},
	{"Pipfile", readPipfile, false},
	{"pdm.toml", readPDM, false},
	{"poetry.toml", readPoetry, false},
	{"hatch.toml", readHatch, false},
	{"environment*.yml", readConda, false},
	{"environment*.yaml", readConda, false},
	{".condarc", readConda, false},
	{".mambarc", readConda, false},
	{".cargo/config.toml", readCargo, false},
	{"pom.xml", readMaven, false},
	{"[Nn]u[Gg]et.[Cc]onfig", readNuGet, false},
	{"Gemfile", readGemfile, false},
	{"composer.json", readComposer, false},
	{".cargo/config", readCargo, false},
	{".npmrc", readNpmrc, false},
	{".yarnrc", readYarnrc, false},
	{".yarnrc.yml", readYarnrcYAML, false},
	{"bunfig.toml", readBunfig, false},
	{"package.json", readPackageJSON, false},
	{"go.env", readGoEnv, false},
}

// Found is what a project names.
type Found struct {
	Refs  []regpass.Ref // each once; Origin is the first file that names it, by regpass.ShowPath, or the variable
	Paths []string      // the files that were read, by regpass.ShowPath
	Names []regpass.Named
	Left  []error // what was passed over, a file or an entry, and why; nothing in it is a secret
}

// add adds what one file or variable names.
func (f *Found) add(more Found) {
	f.Refs = regpass.Unique(append(f.Refs, more.Refs...), regpass.Ref.String)
	f.Paths = append(f.Paths, more.Paths...)
	f.Names = append(f.Names, more.Names...)
	f.Left = append(f.Left, more.Left...)
}

// Find reads the registries of the project around env.Dir: what the variables of uv and pip name, then the files in
// env.Dir, or else in the nearest folder above it that has any. It looks no higher than the repository's root and the
// home folder. A file that belongs to another user, and a link that leads out of the project, is in Left.
func Find(env *regpass.Env) (Found, error) {
	found := variables(env)
	p := placeOf(env)
	for dir := env.Dir; ; dir = filepath.Dir(dir) {
		here, err := p.folder(dir)
		if err != nil {
			return Found{}, err
		}
		found.add(here)
		if len(found.Refs) > maxRefs {
			return Found{}, regpass.Hintf(regpass.Usagef("project: %s and others name more than %d registries",
				found.Refs[0].Origin, maxRefs), "name those that you need %s", nameThem)
		}
		if len(here.Paths) > 0 {
			return found, nil
		}
		if p.ends(dir) {
			found.Left = append(found.Left, p.foreignAbove(dir)...)
			return found, nil
		}
	}
}

// folder is Find for the files in one folder.
func (p place) folder(dir string) (Found, error) {
	names := names(dir)
	var found Found
	read := 0
	for _, f := range files {
		for _, name := range names {
			if !f.is(name) {
				continue
			}
			if read++; read > maxFiles {
				found.Left = append(found.Left, pass(filepath.Join(dir, name), errMany))
				return found, nil
			}
			one, err := p.file(f, filepath.Join(dir, name))
			if err != nil {
				return Found{}, fmt.Errorf("project: %w", err)
			}
			found.add(one)
		}
	}
	return found, nil
}

// file is Find for one file.
func (p place) file(f file, path string) (found Found, err error) {
	text, err := p.read(path)
	if err == nil {
		found, err = f.found(path, string(text))
	}
	switch {
	case err == nil:
		return found, nil
	case errors.Is(err, fs.ErrNotExist): // it is gone, or a link to nothing
		return Found{}, nil
	case errors.As(err, new(passedOver)):
		return Found{Left: []error{pass(path, err)}}, nil
	case !f.marks: // another program's, which may be no part of what runs
		return Found{Left: []error{fmt.Errorf("%s is passed over: %w", regpass.Quote(path), err)}}, nil
	}
	return Found{}, cannotRead(path, err)
}

// pass says why a file is passed over, and what to do instead.
func pass(path string, why error) error {
	return regpass.Hintf(fmt.Errorf("%s is passed over: %w", regpass.Quote(path), why),
		"name its registries yourself: %s", nameThem)
}

// foreignAbove says which files of the folder above dir are passed over for it belongs to another user.
func (p place) foreignAbove(dir string) (left []error) {
	up := filepath.Dir(dir)
	if st, err := os.Stat(up); dir == p.root || dir == p.home || err != nil || p.ours(st) {
		return nil
	}
	for _, f := range files {
		path := filepath.Join(up, f.name)
		if _, err := os.Lstat(path); err == nil && f.marks {
			left = append(left, pass(path, errForeignFolder))
		}
	}
	return left
}

const nameThem = "on the command line or in REGPASS_REGISTRIES"

// cannotRead is the error for a file of the project that cannot be read or is malformed.
func cannotRead(path string, err error) error {
	path = regpass.ShowPath(path)
	if errors.Is(err, regpass.ErrNotPlain) {
		err = fmt.Errorf("%s is %w", path, err)
	} else {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return regpass.Hintf(regpass.Usagef("%w", err), "name the registry on the command line to go without this file")
}

// Config reads the registries in one file that the user names, in the format of the file of that name, or that of
// regpass.toml for any other name.
func Config(path string) (Found, error) {
	text, err := read(path)
	if err != nil {
		return Found{}, fmt.Errorf("config: %w", cannotRead(path, err))
	}
	format := files[0]
	if i := slices.IndexFunc(files, func(f file) bool { return f.is(filepath.Base(path)) }); i >= 0 {
		format = files[i]
	}
	found, err := format.found(path, text)
	if err != nil {
		return Found{}, fmt.Errorf("config: %w", cannotRead(path, err))
	}
	found.Paths = []string{regpass.ShowPath(path)}
	return found, nil
}

// read reads a plain file of at most maxFile bytes. Its error gives only the reason.
func read(path string) (string, error) {
	text, err := regpass.ReadPlain(path, maxFile)
	return string(text), err
}

// is reports whether a file of that name has this format.
func (f file) is(name string) bool {
	ok, _ := path.Match(f.name, name)
	return ok
}

// found are the registries in one file. Its error gives only the reason.
func (f file) found(path, text string) (Found, error) {
	list, err := f.read(text)
	if err != nil {
		return Found{}, err
	}
	var found Found
	for _, word := range list.ours {
		r, err := regpass.ParseRef(word)
		if err != nil {
			return Found{}, err
		}
		found.Refs = append(found.Refs, r)
	}
	path = regpass.ShowPath(path)
	found.others(path, list.others)
	if found.Names = list.names; len(list.names) > maxNamed { // some may contradict the others
		found.Names = nil
		found.Left = append(found.Left, fmt.Errorf("the names in %s count for nothing: there are too many", path))
	}
	if f.marks || len(list.others)+len(found.Refs) > 0 {
		found.Paths = []string{path}
	}
	for i := range found.Refs {
		found.Refs[i].Origin = path
	}
	found.Refs = regpass.Unique(found.Refs, regpass.Ref.String)
	return found, nil
}
