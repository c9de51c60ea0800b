package main

import "go/ast"

// exported counts the names that a package exports. A program exports none.
func (f *figures) exported(folder string, files []*source) {
	if files[0].file.Name.Name == "main" {
		return
	}
	f.Libraries++
	count := 0
	for _, s := range files {
		for _, d := range s.file.Decls {
			count += f.exportedDecl(d)
		}
	}
	f.Exported += count
	f.MostExported.see(folder, count)
}

func (f *figures) exportedDecl(d ast.Decl) int {
	count := 0
	switch d := d.(type) {
	case *ast.FuncDecl:
		count = f.exportedFunc(d)
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			count += f.exportedSpec(spec, d.Doc != nil)
		}
	}
	return count
}

func (f *figures) exportedFunc(fn *ast.FuncDecl) int {
	if !fn.Name.IsExported() || fn.Recv != nil && !ast.IsExported(receiver(fn)) {
		return 0
	}
	if fn.Doc == nil {
		f.Uncommented++
	}
	return 1
}

// exportedSpec counts the exported names of one part of a declaration; grouped tells that the declaration as a whole
// has a comment.
func (f *figures) exportedSpec(spec ast.Spec, grouped bool) int {
	var names []*ast.Ident
	commented := grouped
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		names = []*ast.Ident{spec.Name}
		commented = commented || spec.Doc != nil || spec.Comment != nil
	case *ast.ValueSpec:
		names = spec.Names
		commented = commented || spec.Doc != nil || spec.Comment != nil
	}
	count := 0
	for _, name := range names {
		if !name.IsExported() {
			continue
		}
		count++
		if !commented {
			f.Uncommented++
		}
	}
	return count
}
