package regpass_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

const module = "github.com/regpass/regpass"

const (
	maxColumns      = 120 // of a line, in characters; a tab is one
	maxArchitecture = 90  // lines of ARCHITECTURE.md: one page
)

// mayImport says which rooms of this module the code of a room may import; "" is the root, the vocabulary of all. Tests
// may also import their own room and the internal ones.
var mayImport = map[string][]string{
	"":                {},
	"ci":              {""},
	"aws":             {"", "internal/xmlwalk"},
	"identity":        {"", "aws", "ci"},
	"registry":        {"", "aws"},
	"envsync":         {""},
	"envsync/netrc":   {"", "envsync"},
	"envsync/npmrc":   {"", "envsync"},
	"envsync/rattler": {"", "envsync", "envsync/netrc"},
	"envsync/uv":      {"", "envsync", "internal/toml"},
	"envsync/ask":     {"", "envsync"},
	"envsync/setup":   {"", "envsync", "envsync/docker", "internal/toml"},
	"envsync/docker":  {"", "envsync"},
	"envsync/berry":   {"", "envsync", "envsync/ask"},
	"envsync/clients": {"", "envsync", "envsync/ask", "envsync/berry", "envsync/docker", "envsync/netrc", "envsync/npmrc",
		"envsync/rattler", "envsync/setup", "envsync/uv"},
	"helper":   {"", "envsync"},
	"session":  {"", "ci", "envsync", "envsync/ask", "envsync/clients", "envsync/rattler"},
	"action":   {""},
	"buildkit": {"", "buildkit/builder", "buildkit/leak", "buildkit/plan", "buildkit/secret"},
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
	"broker":             {"", "ci", "identity", "registry", "session"},
	"project":            {"", "internal/toml", "internal/xmlwalk"},
	"internal/fake":      {""},
	"internal/sample":    {},
	"internal/scan":      {"", "image"},
	"internal/testenv":   {""},
	"internal/loopback":  {},
	"internal/toml":      {},
	"internal/xmlwalk":   {},
	"cmd/regpass":        {"", "internal/cli", "internal/process"},
	"internal/process":   {"", "internal/keychain"},
	"internal/keychain":  {""},
	"internal/child":     {"", "internal/process"},
	"internal/demo":      {"", "sts", "internal/fake", "internal/loopback", "internal/sample"},
	"internal/recipe":    {"", "ci", "identity", "registry", "broker"},
	"e2e":                {"", "helper", "image", "sts"}, // and, as all tests, what is internal
	"internal/cli": {"", "ci", "identity", "registry", "envsync", "envsync/ask", "envsync/clients", "envsync/setup",
		"helper", "session", "broker", "action", "buildkit", "buildtool", "image", "sts", "project",
		"buildkit/builder", "buildkit/inject", "buildkit/leak", "buildkit/plan", "buildkit/secret",
		"internal/child", "internal/demo", "internal/recipe"},
}

// tops are the rooms above all others whose path begins so: those never import them, not even through another room.
var tops = map[string]string{"buildkit/": "buildkit", "envsync/": "envsync/clients"}

// lookAround are the names that look at the program's surroundings or end it: only cmd/regpass/main.go and
// internal/process, which fills in regpass.Env for all others, may use them.
var lookAround = map[string][]string{
	"os": {"Getenv", "LookupEnv", "Environ", "ExpandEnv", "Setenv", "Unsetenv", "Clearenv", "Exit", "Args",
		"Stdin", "Stdout", "Stderr", "UserHomeDir", "UserCacheDir", "UserConfigDir", "TempDir", "Getwd"},
	"log": {"Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "Panicln"},
}

// source is one parsed Go file of this module.
type source struct {
	name    string            // path with slashes
	room    string            // its folder, "" for the root
	test    bool              // named _test.go
	text    string            // the whole file
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
		switch {
		case err != nil:
			return err
		case d.IsDir() && notOurs(name):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		s, err := parse(fset, name)
		all = append(all, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d Go files were found", len(all))
	}
	return all
}

// notOurs reports whether a folder holds no code of this module. The folders in tools are modules of their own.
func notOurs(dir string) bool {
	base := path.Base(dir)
	return dir != "." && strings.HasPrefix(base, ".") || base == "testdata" || dir == "tools" || dir == "dist"
}

func parse(fset *token.FileSet, name string) (source, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return source{}, err
	}
	file, err := parser.ParseFile(fset, name, text, parser.SkipObjectResolution)
	if err != nil {
		return source{}, err
	}
	s := source{name: name, room: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), text: string(text),
		imports: map[string]string{}, file: file, fset: fset}
	if s.room == "." {
		s.room = ""
	}
	for _, i := range file.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return source{}, err
		}
		s.paths = append(s.paths, p)
		as := path.Base(p)
		if i.Name != nil {
			as = i.Name.Name
		}
		s.imports[as] = p
	}
	return s, nil
}

// rooms are the folders that hold Go code; "" is the root.
func rooms(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, s := range sources(t) {
		all[s.room] = true
	}
	return all
}

// TestRoomsAreListed holds that mayImport knows every room, and none that is gone.
func TestRoomsAreListed(t *testing.T) {
	there := rooms(t)
	for room := range there {
		if _, ok := mayImport[room]; !ok {
			t.Errorf("the room %q is new; say in mayImport what it may import", room)
		}
	}
	for room, imports := range mayImport {
		for _, name := range append([]string{room}, imports...) {
			if !there[name] {
				t.Errorf("mayImport[%q] names the room %q, which does not exist", room, name)
			}
		}
	}
}

// TestFloors holds that imports go down only: no room reaches itself, and none of a house reaches the top of it.
func TestFloors(t *testing.T) {
	for room := range mayImport {
		below := reach(room)
		if below[room] {
			t.Errorf("mayImport lets %q import itself through other rooms", room)
		}
		for house, top := range tops {
			if room != top && strings.HasPrefix(room, house) && below[top] {
				t.Errorf("mayImport lets %q reach %q, which stands above it", room, top)
			}
		}
	}
	for house, top := range tops {
		if _, ok := mayImport[top]; !ok {
			t.Errorf("%s, the top of %s, does not exist", top, house)
		}
	}
}

// reach lists the rooms that a room may import, directly or through others.
func reach(room string) map[string]bool {
	seen := map[string]bool{}
	for todo := slices.Clone(mayImport[room]); len(todo) > 0; todo = todo[1:] {
		if next := todo[0]; !seen[next] {
			seen[next] = true
			todo = append(todo, mayImport[next]...)
		}
	}
	return seen
}

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	for _, s := range sources(t) {
		allowed := mayImport[s.room]
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

func TestLinesAreNotTooWide(t *testing.T) {
	for _, s := range sources(t) {
		checkWidth(t, s.name, s.text)
	}
	checkWidth(t, "ARCHITECTURE.md", read(t, "ARCHITECTURE.md"))
}

func checkWidth(t *testing.T, name, text string) {
	t.Helper()
	n := 0
	for line := range strings.Lines(text) {
		n++
		if wide := utf8.RuneCountInString(strings.TrimRight(line, "\r\n")); wide > maxColumns {
			t.Errorf("%s:%d: %d columns, of at most %d", name, n, wide, maxColumns)
		}
	}
}

func TestArchitectureIsOnePage(t *testing.T) {
	if n := strings.Count(read(t, "ARCHITECTURE.md"), "\n"); n > maxArchitecture {
		t.Errorf("ARCHITECTURE.md has %d lines, of at most %d", n, maxArchitecture)
	}
}

// braces are the names that one with {a,b} at its end stands for, as in a shell.
func braces(name string) []string {
	before, list, ok := strings.Cut(strings.TrimSuffix(name, "}"), "{")
	if !ok {
		return []string{name}
	}
	var all []string
	for one := range strings.SplitSeq(list, ",") {
		all = append(all, before+one)
	}
	return all
}

// TestArchitectureHasEveryRoom holds that the table of rooms in ARCHITECTURE.md has a row for every room, once, and
// names no folder that does not exist.
func TestArchitectureHasEveryRoom(t *testing.T) {
	folder := regexp.MustCompile("`([^`]+)/`")
	_, table, found := strings.Cut(read(t, "ARCHITECTURE.md"), "| room | question | variants |\n")
	if !found {
		t.Fatal("ARCHITECTURE.md has no table of rooms")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	listed := map[string]bool{}
	for row := range strings.Lines(table) {
		cell, _, _ := strings.Cut(strings.TrimPrefix(row, "|"), "|")
		listed[""] = listed[""] || strings.TrimSpace(cell) == "root"
		for _, m := range folder.FindAllStringSubmatch(cell, -1) {
			for _, name := range braces(m[1]) {
				if st, err := os.Stat(name); err != nil || !st.IsDir() {
					t.Errorf("ARCHITECTURE.md has a row for %s, which is no folder", name)
				}
				if listed[name] {
					t.Errorf("ARCHITECTURE.md has two rows for %s", name)
				}
				listed[name] = true
			}
		}
	}
	for room := range rooms(t) {
		if !listed[room] {
			t.Errorf("ARCHITECTURE.md has no row for the room %q", room)
		}
	}
}

// TestDocumentsNameFiles holds that a file that a document names exists. NAME stands for a new one.
func TestDocumentsNameFiles(t *testing.T) {
	file := regexp.MustCompile("`([A-Za-z0-9_./-]+\\.(?:go|yml|md|tmpl|txtar))`")
	for _, document := range []string{"ARCHITECTURE.md", "docs/decisions.md"} {
		for _, m := range file.FindAllStringSubmatch(read(t, document), -1) {
			if _, err := os.Stat(m[1]); err != nil && !strings.Contains(m[1], "NAME") {
				t.Errorf("%s: %v", document, err)
			}
		}
	}
}

// TestInvariantsHaveTests holds that the tests and scripts that docs/decisions.md names exist.
func TestInvariantsHaveTests(t *testing.T) {
	text, known := read(t, "docs/decisions.md"), map[string]bool{}
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.test && f.Recv == nil {
				known[f.Name.Name] = true
			}
		}
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)`").FindAllStringSubmatch(text, -1)
	if len(named) < 20 {
		t.Errorf("only %d tests are named", len(named))
	}
	for _, m := range named {
		if !known[m[1]] {
			t.Errorf("docs/decisions.md names %s, which is no test", m[1])
		}
	}
	script := regexp.MustCompile("`((?:script|clients|engines|runners)/[a-z-]+)`")
	for _, m := range script.FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat("testdata/" + m[1] + ".txtar"); err != nil {
			t.Errorf("docs/decisions.md: %v", err)
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

// TestModulesAreAccountedFor holds that docs/modules.md gives a reason for each direct module of go.mod, and no other.
func TestModulesAreAccountedFor(t *testing.T) {
	direct := map[string]bool{}
	for line := range strings.Lines(read(t, "go.mod")) {
		words := strings.Fields(strings.TrimPrefix(line, "require"))
		if len(words) >= 2 && strings.HasPrefix(words[1], "v") && !strings.Contains(line, "// indirect") {
			direct[words[0]] = true
		}
	}
	_, rest, found := strings.Cut(read(t, "docs/modules.md"), "<!-- modules -->\n")
	table, _, ended := strings.Cut(rest, "<!-- /modules -->")
	if !found || !ended {
		t.Fatal("docs/modules.md has no list of modules")
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
			t.Errorf("docs/modules.md does not say why %s is needed", m)
		}
	}
	for _, m := range slices.Sorted(maps.Keys(listed)) {
		if !direct[m] {
			t.Errorf("docs/modules.md lists %s, which is no direct module of go.mod", m)
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

// TestImageIsBuiltOfAllRooms holds that .dockerignore lets in every folder that the program is built of.
func TestImageIsBuiltOfAllRooms(t *testing.T) {
	let := strings.Split(read(t, ".dockerignore"), "\n")
	for _, s := range sources(t) {
		top, _, _ := strings.Cut(s.room, "/")
		if !s.test && top != "" && top != "e2e" && !slices.Contains(let, "!"+top+"/") {
			t.Errorf(".dockerignore keeps %s from the image's build", s.name)
		}
	}
}
