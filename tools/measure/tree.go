package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"strings"
)

// tree is a folder with Go code, read and parsed.
type tree struct {
	dir   string
	fset  *token.FileSet
	files []*source
}

// kind says for whom a file is.
type kind int

const (
	other      kind = iota // neither of the following
	production             // .go, recipes (.tmpl), action.yml
	test                   // _test.go, and everything in a testdata folder
	docs                   // .md
	generated              // .go with the comment that says so
)

// source is one file of a tree.
type source struct {
	name string // path with slashes, from the tree's root
	kind kind
	text []byte
	file *ast.File // of Go outside testdata; otherwise nil
}

func (s *source) folder() string { return path.Dir(s.name) }

// lines counts line feeds, as wc does.
func (s *source) lines() int { return bytes.Count(s.text, []byte("\n")) }

// readTree reads all files below dir but those that skip leaves out.
func readTree(dir string) (*tree, error) {
	t := &tree{dir: dir, fset: token.NewFileSet()}
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if skip(root, name) {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		return t.read(root, name)
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", dir, err)
	}
	return t, nil
}

// skip tells whether a folder is no part of the program. A testdata folder is not skipped: its scripts count.
func skip(root fs.FS, name string) bool {
	if name == "." {
		return false
	}
	base := path.Base(name)
	switch base {
	case "vendor", "node_modules", "dist":
		return true
	}
	if name == "tools" || base[0] == '.' || base[0] == '_' {
		return true
	}
	_, err := fs.Stat(root, path.Join(name, "go.mod"))
	return err == nil && !inTestdata(name)
}

func inTestdata(name string) bool { return strings.Contains("/"+name+"/", "/testdata/") }

func (t *tree) read(root fs.FS, name string) error {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return err
	}
	s := &source{name: name, kind: kindOf(name), text: text}
	t.files = append(t.files, s)
	if path.Ext(name) != ".go" || inTestdata(name) {
		return nil
	}
	s.file, err = parser.ParseFile(t.fset, path.Join(t.dir, name), text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	if s.kind == production && ast.IsGenerated(s.file) {
		s.kind = generated
	}
	return nil
}

func kindOf(name string) kind {
	ext := path.Ext(name)
	switch {
	case inTestdata(name), strings.HasSuffix(name, "_test.go"):
		return test
	case ext == ".go", ext == ".tmpl", name == "action.yml":
		return production
	case ext == ".md":
		return docs
	}
	return other
}
