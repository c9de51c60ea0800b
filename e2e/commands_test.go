package e2e

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptCommands are commands that scripts have besides testscript's own, by name. testdata/README.md describes each.
type scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string)

// commandSections are the headings in testdata/README.md and the variables with the commands that each describes.
var commandSections = map[string][]string{
	"Every script":        {"commands"},
	"clients and runners": {"clientCommands"},
	"clients alone":       {"packageCommands"},
	"engines and runners": {"engineCommands"},
	"engines alone":       {"flowCommands", "golangCommands"},
	"runners alone":       {"runnerCommands"},
	"speed":               {"speedCommands"},
}

// TestCommandsAreDescribed holds that testdata/README.md describes the commands that there are, and no others, each
// with an example that stands in a script. It reads the source, for most commands need build tags.
func TestCommandsAreDescribed(t *testing.T) {
	text, err := os.ReadFile(testdata("README.md"))
	if err != nil {
		t.Fatal(err)
	}
	defined, lines := definedCommands(t), scriptLines(t)
	row := regexp.MustCompile("(?m)^\\| `([a-z-]+)[^`]*` \\| .+ \\| `([^`]+)` \\|$")
	seen := 0
	for section := range strings.SplitSeq(string(text), "\n### ") {
		heading, body, _ := strings.Cut(section, "\n")
		variables, ok := commandSections[heading]
		if !ok {
			continue // it describes something besides commands
		}
		var described []string
		for _, m := range row.FindAllStringSubmatch(body, -1) {
			described = append(described, m[1])
			if !lines[m[2]] {
				t.Errorf("%s: %s: no script has the line %q", heading, m[1], m[2])
			}
		}
		var want []string
		for _, variable := range variables {
			want = append(want, defined[variable]...)
			delete(defined, variable)
			seen++
		}
		slices.Sort(want)
		slices.Sort(described)
		if !slices.Equal(described, want) {
			t.Errorf("%s: testdata/README.md describes\n%q\nbut there are\n%q", heading, described, want)
		}
	}
	if seen == 0 || len(defined) > 0 {
		t.Errorf("testdata/README.md has no section about %q", slices.Sorted(maps.Keys(defined)))
	}
}

// definedCommands lists the names in each variable of this package that holds scriptCommands.
func definedCommands(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
				if names := commandNames(t, v.Values[0]); names != nil {
					all[v.Names[0].Name] = names
				}
			}
			return true
		})
	}
	return all
}

// commandNames returns the keys of a literal of scriptCommands, and nil of any other expression.
func commandNames(t *testing.T, e ast.Expr) []string {
	t.Helper()
	literal, ok := e.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	if of, ok := literal.Type.(*ast.Ident); !ok || of.Name != "scriptCommands" {
		return nil
	}
	var names []string
	for _, element := range literal.Elts {
		name, err := strconv.Unquote(element.(*ast.KeyValueExpr).Key.(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// scriptLines are the lines of all scripts.
func scriptLines(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(testdata("*/*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	all := map[string]bool{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			all[strings.TrimSpace(line)] = true
		}
	}
	return all
}
