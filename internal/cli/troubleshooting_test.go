package cli

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

// said lists what the program's code can say: its string literals, with … for values.
func said(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && path == "../../internal/fake" {
			return fs.SkipDir // the fakes say what others say
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

// The headings of docs/troubleshooting.md are texts that the program says, so that who looks for one finds it.
func TestTroubleshootingHeadings(t *testing.T) {
	text, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	can := said(t)
	headings := regexp.MustCompile(`(?m)^### (.*)\n\n(.*)`).FindAllStringSubmatch(string(text), -1)
	if len(headings) < 20 {
		t.Errorf("only %d headings are errors", len(headings))
	}
	for _, h := range headings {
		if !can[h[1]] {
			t.Errorf("nothing says %q", h[1])
		}
		if h[2] == "" || strings.HasPrefix(h[2], "#") {
			t.Errorf("nothing is said about %q", h[1])
		}
	}
}
