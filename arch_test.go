package regpass_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/regpass/regpass"

// mayImport says which rooms of this module the code of a room may import; "" is the root, which is the vocabulary of
// all. Tests may also import their own room and what is internal.
var mayImport = map[string][]string{
	"":                {},
	"ci":              {""},
	"identity":        {"", "ci"},
	"registry":        {""},
	"envsync":         {""},
	"envsync/netrc":   {"", "envsync"},
	"envsync/rattler": {"", "envsync", "envsync/netrc"},
	"envsync/uv":      {"", "envsync"},
	"envsync/clients": {"", "envsync", "envsync/netrc", "envsync/rattler", "envsync/uv"},
	"session":         {"", "ci", "envsync", "envsync/clients"},
	"action":          {""},
	"buildkit":        {"", "buildkit/builder", "buildkit/leak", "buildkit/plan", "buildkit/secret"},
	// plan knows the builder that it is for, and inject hands out what secret has.
	"buildkit/builder":   {"", "buildkit/dockercfg"},
	"buildkit/dockercfg": {""},
	"buildkit/inject":    {"", "buildkit/secret"},
	"buildkit/leak":      {""},
	"buildkit/plan":      {"", "buildkit/builder", "buildkit/dockercfg"},
	"buildkit/secret":    {"", "buildkit/dockercfg", "envsync", "envsync/clients"},
	"buildtool":          {"", "buildkit/secret", "session"},
	"image":              {""},
	"sts":                {"", "ci"},
	"broker":             {"", "identity", "registry", "session"},
	"project":            {""},
	"internal/fake":      {""},
	"internal/sample":    {},
	"internal/scan":      {"", "image"},
	"internal/testenv":   {""},
	"internal/loopback":  {},
	"cmd/regpass":        {"", "internal/cli", "internal/process"},
	"internal/process":   {""},
	"internal/child":     {"", "internal/process"},
	"internal/demo":      {"", "sts", "internal/fake", "internal/loopback", "internal/sample"},
	"internal/recipe":    {"", "ci", "identity", "registry", "broker"},
	"e2e":                {"", "image", "sts"}, // and, as all tests, what is internal
	"internal/cli": {"", "ci", "identity", "registry", "envsync", "envsync/clients", "session", "broker", "action",
		"buildkit", "buildtool", "image", "sts", "project",
		"buildkit/builder", "buildkit/inject", "buildkit/leak", "buildkit/plan", "buildkit/secret",
		"internal/child", "internal/demo", "internal/recipe"},
}

// lookAround are the names that look at the program's surroundings or end it: cmd/regpass/main.go does, and fills in
// regpass.Env for all others.
var lookAround = map[string][]string{
	"os": {"Getenv", "LookupEnv", "Environ", "ExpandEnv", "Setenv", "Unsetenv", "Clearenv", "Exit", "Args", "Stdin", "Stdout", "Stderr",
		"UserHomeDir", "UserCacheDir", "UserConfigDir", "TempDir", "Getwd"},
	"log": {"Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "Panicln"},
}

// source is one parsed Go file of this module.
type source struct {
	name    string            // path with slashes
	room    string            // its folder, "" for the root
	test    bool              // named _test.go
	paths   []string          // what it imports
	imports map[string]string // the same by the names they go by in the file
	file    *ast.File
	fset    *token.FileSet
}

func (s source) at(n ast.Node) token.Position { return s.fset.Position(n.Pos()) }

// uses returns the package and the name in an expression such as os.Getenv, or nothing.
func (s source) uses(e *ast.SelectorExpr) (pkg, name string) {
	if x, ok := e.X.(*ast.Ident); ok {
		return s.imports[x.Name], e.Sel.Name
	}
	return "", ""
}

// sources parses all files of this module, whatever system they are for.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	fset := token.NewFileSet()
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || name == "tools" || name == "dist") {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		s := source{name: name, room: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), imports: map[string]string{}, file: file, fset: fset}
		if s.room == "." {
			s.room = ""
		}
		for _, i := range file.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			s.paths = append(s.paths, p)
			as := path.Base(p)
			if i.Name != nil {
				as = i.Name.Name
			}
			s.imports[as] = p
		}
		all = append(all, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d Go files were found", len(all))
	}
	return all
}

func TestRoomsImportOnlyTheVocabulary(t *testing.T) {
	for _, s := range sources(t) {
		allowed, ok := mayImport[s.room]
		if !ok {
			t.Errorf("%s: the room %s is new; say in mayImport what it may import", s.name, s.room)
			continue
		}
		for _, p := range s.paths {
			of, ours := strings.CutPrefix(p+"/", module+"/")
			of = strings.TrimSuffix(of, "/")
			switch {
			case ours && slices.Contains(allowed, of):
			case ours && s.test && (of == s.room || of == "" || strings.HasPrefix(of, "internal/")):
			case ours:
				t.Errorf("%s imports %s", s.name, p)
			case s.room == "" && !s.test && strings.Contains(strings.Split(p, "/")[0], "."):
				t.Errorf("%s imports %s; the root imports only the standard library", s.name, p)
			}
		}
	}
}

func TestOnlyMainLooksAround(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || s.name == "cmd/regpass/main.go" || s.room == "internal/process" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if pkg, name := s.uses(n); slices.Contains(lookAround[pkg], name) {
					t.Errorf("%s: %s.%s", s.at(n), pkg, name)
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "panic" {
					t.Errorf("%s: panic", s.at(n))
				}
			}
			return true
		})
	}
}

// TestNothingHappensOnImport holds that no run pays for what another verb needs: no init, and no expression or template
// that is compiled before it is used (Pattern, sync.OnceValue).
func TestNothingHappensOnImport(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.Name == "init" {
					t.Errorf("%s: func init", s.at(d))
				}
			case *ast.GenDecl:
				if !s.test {
					noCompiling(t, s, d)
				}
			}
		}
	}
}

// noCompiling looks at what a declaration computes at once, and so not into functions.
func noCompiling(t *testing.T, s source, d *ast.GenDecl) {
	t.Helper()
	ast.Inspect(d, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.SelectorExpr:
			if _, name := s.uses(n); slices.Contains([]string{"MustCompile", "Must"}, name) {
				t.Errorf("%s: %s when the program starts", s.at(n), name)
			}
		}
		return true
	})
}

func TestNothingSleepsOrSkips(t *testing.T) {
	for _, s := range sources(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			e, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, name := s.uses(e); pkg == "time" && name == "Sleep" {
				t.Errorf("%s: time.Sleep", s.at(e))
			}
			if s.test && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, e.Sel.Name) {
				t.Errorf("%s: a test that may be skipped", s.at(e))
			}
			return true
		})
	}
}

// TestModulesAreAccountedFor holds that ARCHITECTURE.md gives a reason for each direct module of go.mod, and no other.
func TestModulesAreAccountedFor(t *testing.T) {
	direct := map[string]bool{}
	for line := range strings.Lines(read(t, "go.mod")) {
		words := strings.Fields(strings.TrimPrefix(line, "require"))
		if len(words) >= 2 && strings.HasPrefix(words[1], "v") && !strings.Contains(line, "// indirect") {
			direct[words[0]] = true
		}
	}
	_, rest, found := strings.Cut(read(t, "ARCHITECTURE.md"), "<!-- modules -->\n")
	table, _, ended := strings.Cut(rest, "<!-- /modules -->")
	if !found || !ended {
		t.Fatal("ARCHITECTURE.md has no list of modules")
	}
	listed := map[string]bool{}
	rows := slices.Collect(strings.Lines(strings.TrimSpace(table)))
	if len(rows) < 3 || strings.TrimSpace(rows[0]) != "| module | why | weighed against |" {
		t.Fatalf("the list of modules begins with %q", rows)
	}
	for _, row := range rows[2:] {
		cells := strings.Split(strings.Trim(strings.TrimSpace(row), "|"), "|")
		if len(cells) != 3 || slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) == "" }) {
			t.Errorf("not module, why and weighed against: %s", row)
			continue
		}
		listed[strings.Trim(cells[0], " `")] = true
	}
	for _, m := range slices.Sorted(maps.Keys(direct)) {
		if !listed[m] {
			t.Errorf("ARCHITECTURE.md does not say why %s is needed", m)
		}
	}
	for _, m := range slices.Sorted(maps.Keys(listed)) {
		if !direct[m] {
			t.Errorf("ARCHITECTURE.md lists %s, which is no direct module of go.mod", m)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
