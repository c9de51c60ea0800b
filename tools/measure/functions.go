package main

import (
	"go/ast"
	"go/token"
)

// functions counts the functions of a file and returns the lines of each.
func (f *figures) functions(fset *token.FileSet, s *source) []int {
	var lengths []int
	for _, d := range s.file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		f.params(fn)
		if fn.Recv == nil && fn.Name.Name == "init" {
			f.Inits++
		}
		if fn.Body == nil {
			continue
		}
		name := fn.Name.Name
		if fn.Recv != nil {
			name = receiver(fn) + "." + name
		}
		name += " in " + s.name
		lines := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1
		lengths = append(lengths, lines)
		f.Functions++
		f.LongestFunction.see(name, lines)
		if lines > longFunction {
			f.LongFunctions++
		}
		deep := nesting(fn.Body)
		f.Deepest.see(name, deep)
		if deep > deepNesting {
			f.DeepFunctions++
		}
	}
	return lengths
}

func (f *figures) params(fn *ast.FuncDecl) {
	count := 0
	for _, p := range fn.Type.Params.List {
		n := max(len(p.Names), 1)
		count += n
		if id, ok := p.Type.(*ast.Ident); ok && id.Name == "bool" {
			f.BoolParams += n
		}
	}
	if count > manyParams {
		f.ManyParams++
	}
}

// nesting is how many blocks, of statements and of closures, stand in each other at most inside a function's own.
func nesting(body *ast.BlockStmt) int {
	deepest, depth := 0, -1
	var open []ast.Node // those that are being visited
	ast.Inspect(body, func(n ast.Node) bool {
		if n == nil {
			n, open = open[len(open)-1], open[:len(open)-1]
			if _, ok := n.(*ast.BlockStmt); ok {
				depth--
			}
			return true
		}
		open = append(open, n)
		if _, ok := n.(*ast.BlockStmt); ok {
			depth++
			deepest = max(deepest, depth)
		}
		return true
	})
	return deepest
}

// funcTypes counts the fields and parameters of a package that are functions.
func (f *figures) funcTypes(files []*source) {
	names := map[string]bool{} // of function types
	for _, s := range files {
		ast.Inspect(s.file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && isFunc(spec.Type) {
				names[spec.Name.Name] = true
			}
			return true
		})
	}
	for _, s := range files {
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.StructType:
				written, called := funcsIn(n.Fields, names)
				f.FuncFields += written
				f.NamedFuncFields += called
			case *ast.FuncDecl:
				written, called := funcsIn(n.Type.Params, names)
				f.FuncParams += written
				f.NamedFuncParams += called
			}
			return true
		})
	}
}

// funcsIn counts those whose function type is written out, and those of a type that names holds.
func funcsIn(fields *ast.FieldList, names map[string]bool) (written, called int) {
	for _, field := range fields.List {
		n := max(len(field.Names), 1)
		if isFunc(field.Type) {
			written += n
		} else if id, ok := field.Type.(*ast.Ident); ok && names[id.Name] {
			called += n
		}
	}
	return written, called
}

func isFunc(e ast.Expr) bool {
	_, ok := ast.Unparen(e).(*ast.FuncType)
	return ok
}
