package main

import (
	"bytes"
	"go/ast"
	"go/token"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	longFunction = 60  // lines
	deepNesting  = 3   // statements around the innermost
	manyParams   = 5   // names
	wideLine     = 120 // characters
	tabWidth     = 4   // characters, where a tab is more than one
)

// measure counts everything but mentions.
func (t *tree) measure() figures {
	f := figures{Dir: t.dir}
	rooms := map[string][]*source{} // production Go by folder
	inFolder := map[string]int{}
	for _, s := range t.files {
		first, _, _ := strings.Cut(s.name, "/")
		f.Testdata = f.Testdata || first == "testdata"
		if path.Ext(s.name) == ".txtar" {
			f.Scripts++
		}
		if s.name == "go.mod" {
			f.DirectModules, f.AllModules = modules(string(s.text))
		}
		if s.file == nil {
			continue
		}
		inFolder[s.folder()]++
		switch s.kind {
		case test:
			f.TestLines += s.lines()
		case production:
			rooms[s.folder()] = append(rooms[s.folder()], s)
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(inFolder)) {
		f.FullestFolder.see(folder, inFolder[folder])
	}
	var lengths, functions []int
	for _, folder := range slices.Sorted(maps.Keys(rooms)) {
		f.room(folder, rooms[folder])
		for _, s := range rooms[folder] {
			lengths = append(lengths, s.lines())
			f.lines(s)
			f.comments(t.fset, s.file)
			f.syntax(s.file)
			functions = append(functions, f.functions(t.fset, s)...)
		}
	}
	f.MedianFile, f.MedianFunction = median(lengths), median(functions)
	return f
}

// room counts a package as a whole.
func (f *figures) room(folder string, files []*source) {
	f.Packages++
	lines := 0
	for _, s := range files {
		lines += s.lines()
	}
	f.Files += len(files)
	f.Lines += lines
	f.MostFiles.see(folder, len(files))
	f.MostLines.see(folder, lines)
	f.methods(folder, files)
	f.exported(folder, files)
	f.funcTypes(files)
}

// methods looks for the type with most methods.
func (f *figures) methods(folder string, files []*source) {
	count := map[string]int{}
	spread := map[string]map[string]bool{}
	for _, s := range files {
		for _, d := range s.file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil {
				continue
			}
			on := receiver(fn)
			count[on]++
			if spread[on] == nil {
				spread[on] = map[string]bool{}
			}
			spread[on][s.name] = true
		}
	}
	for _, on := range slices.Sorted(maps.Keys(count)) {
		if count[on] > f.MostMethods.N {
			f.MostMethods = named{on + " of " + folder, count[on]}
			f.MethodFiles = len(spread[on])
		}
	}
}

// receiver is the name of the type that a method belongs to.
func receiver(fn *ast.FuncDecl) string {
	e := fn.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// lines counts a file's lines of certain kinds.
func (f *figures) lines(s *source) {
	f.LongestFile.see(s.name, s.lines())
	for line := range bytes.Lines(s.text) {
		line = bytes.TrimRight(line, "\r\n")
		if utf8.RuneCount(line) > wideLine {
			f.WideLines++
		}
		if utf8.RuneCount(line)+(tabWidth-1)*bytes.Count(line, []byte("\t")) > wideLine {
			f.WiderLines++
		}
		if len(bytes.TrimSpace(line)) == 0 {
			f.BlankLines++
		}
	}
}

func (f *figures) comments(fset *token.FileSet, file *ast.File) {
	on := map[int]bool{}
	for _, group := range file.Comments {
		for _, c := range group.List {
			for line := fset.Position(c.Pos()).Line; line <= fset.Position(c.End()).Line; line++ {
				on[line] = true
			}
			if strings.HasPrefix(c.Text, "//nolint") {
				f.Nolints++
			}
		}
	}
	f.CommentLines += len(on)
}

// syntax counts what can stand anywhere in a file.
func (f *figures) syntax(file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			f.Closures++
		case *ast.CallExpr:
			if called, ok := n.Fun.(*ast.Ident); ok && called.Name == "panic" {
				f.Panics++
			}
		case *ast.TypeSpec:
			if i, ok := n.Type.(*ast.InterfaceType); ok && hasMethods(i) {
				f.Interfaces++
			}
		}
		return true
	})
}

func hasMethods(i *ast.InterfaceType) bool {
	return slices.ContainsFunc(i.Methods.List, func(m *ast.Field) bool { return len(m.Names) > 0 })
}

// median is the upper of the two in the middle where there are two.
func median(all []int) int {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// modules counts the direct and all modules that a go.mod requires.
func modules(mod string) (direct, all int) {
	block := false
	for line := range strings.Lines(mod) {
		code, comment, _ := strings.Cut(strings.TrimSpace(line), "//")
		words := strings.Fields(code)
		switch {
		case len(words) == 2 && words[0] == "require" && words[1] == "(":
			block = true
			continue
		case block && len(words) == 1 && words[0] == ")":
			block = false
			continue
		case block && len(words) == 2, len(words) == 3 && words[0] == "require":
		default:
			continue
		}
		all++
		if strings.TrimSpace(comment) != "indirect" {
			direct++
		}
	}
	return direct, all
}
