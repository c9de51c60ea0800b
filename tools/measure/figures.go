package main

// figures are the measures of one tree. Unless said otherwise they are of production Go.
type figures struct {
	Dir      string // as it was given
	Packages int    // folders with production code
	Files    int
	Lines    int // line feeds
	// MedianFile is the upper of the two in the middle where files are even.
	MedianFile  int
	LongestFile named // its lines

	MostFiles     named // the package with most files
	MostLines     named // the package with most lines
	FullestFolder named // the folder with most .go files, tests and generated code too

	Functions       int   // declarations with a body; a closure belongs to the function around it
	LongestFunction named // lines from func to the closing brace
	LongFunctions   int   // of more than 60 lines
	MedianFunction  int   // lines, counted and chosen as above
	DeepFunctions   int   // nested deeper than 3
	Deepest         named // blocks in each other, those of closures too; else if and case are no deeper

	ManyParams int // functions with more than 5 parameters; a receiver is none
	BoolParams int // parameters of functions that are declared bool

	Interfaces int // declared interface types that have methods
	Inits      int
	Nolints    int // comments that start with //nolint
	Panics     int // calls of panic

	// FuncFields are fields of structs, FuncParams parameters of declared functions, whose function type is written out;
	// names with one type count each. Those of a function type that the package has named come on top.
	FuncFields, NamedFuncFields int
	FuncParams, NamedFuncParams int

	Closures int // function literals, those outside functions too

	MostMethods named // the type with most methods: TYPE of PACKAGE
	MethodFiles int   // the files that MostMethods is spread over

	WideLines    int // of more than 120 characters; a tab is one
	WiderLines   int // the same where a tab is four
	TestLines    int // of _test.go files outside testdata
	Scripts      int // .txtar files, wherever they are
	BlankLines   int
	CommentLines int // those with a comment on them; their density is that among lines that are not blank

	Libraries    int   // packages that are not main
	Exported     int   // their types, functions, variables, constants, and methods of exported types; no fields
	MostExported named // the library with most of them
	Uncommented  int   // exported names without a comment of their own or of their group

	DirectModules int  // in go.mod's require, without // indirect
	AllModules    int  // in go.mod's require
	Testdata      bool // there is a top-level testdata

	Mentions []mentions `json:",omitempty"`
}

// named is the greatest of many and its name.
type named struct {
	Name string
	N    int
}

// see keeps the greater one, of equals the first.
func (n *named) see(name string, count int) {
	if count > n.N {
		*n = named{name, count}
	}
}
