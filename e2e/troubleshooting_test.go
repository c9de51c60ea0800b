package e2e

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// verb is where a format has a value.
var verb = regexp.MustCompile(`%(?:\[\d+\])?[a-z]`)

// messages are the string literals of the program's code, with … for values.
func messages(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	err := filepath.WalkDir(checkout, func(path string, d fs.DirEntry, err error) error {
		if err == nil && path == filepath.Join(checkout, "internal/fake") {
			return fs.SkipDir // the fakes write the messages of others
		}
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil {
					all[verb.ReplaceAllString(text, "…")] = true
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestTroubleshootingHeadings holds that the headings of docs/troubleshooting.md are messages of the program, so that a
// search for a message finds its heading.
func TestTroubleshootingHeadings(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(checkout, "docs/troubleshooting.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := messages(t)
	headings := regexp.MustCompile(`(?m)^### (.*)\n\n(.*)`).FindAllStringSubmatch(string(text), -1)
	if len(headings) < 20 {
		t.Errorf("only %d headings are errors", len(headings))
	}
	for _, h := range headings {
		if !known[h[1]] {
			t.Errorf("no message is %q", h[1])
		}
		if h[2] == "" || strings.HasPrefix(h[2], "#") {
			t.Errorf("there is no text below %q", h[1])
		}
	}
}
