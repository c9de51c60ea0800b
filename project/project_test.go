package project_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regpass/regpass/project"
)

// write makes files below dir.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRefs(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string
		dir   string   // to begin in
		want  []string // the refs, each with its file and its name
		paths []string
	}{
		{"nothing", nil, "", nil, nil},
		{"ours", map[string]string{"regpass.toml": `registry = ["pyx.dev", "https://a.example/simple name=a"]`}, "",
			[]string{"pyx.dev regpass.toml", "https://a.example/simple regpass.toml a"}, []string{"regpass.toml"}},
		{"uv", map[string]string{"uv.toml": `
index-url = "https://a.example/simple"
extra-index-url = ["https://b.example/simple", "http://plain.example/simple", "./wheels"]
publish-url = "https://c.example/upload"
[[index]]
name = "acme"
url = "https://d.example/simple"
publish-url = "https://e.example/upload"
`}, "", []string{
			"https://a.example/simple uv.toml", "https://c.example/upload uv.toml", "https://b.example/simple uv.toml",
			"https://d.example/simple uv.toml acme", "https://e.example/upload uv.toml",
		}, []string{"uv.toml"}},
		{"pixi", map[string]string{"pixi.toml": `
[workspace]
channels = ["conda-forge", "https://a.example/acme", {channel = "https://b.example/acme", priority = 1}]
[project]
channels = ["https://c.example/acme"]
[pypi-options]
index-url = "https://d.example/simple"
extra-index-urls = ["https://e.example/simple"]
`}, "", []string{
			"https://d.example/simple pixi.toml", "https://e.example/simple pixi.toml", "https://a.example/acme pixi.toml",
			"https://b.example/acme pixi.toml", "https://c.example/acme pixi.toml",
		}, []string{"pixi.toml"}},
		{"pyproject", map[string]string{"pyproject.toml": `
[tool.regpass]
registry = ["https://a.example/simple"]
[tool.uv]
index-url = "https://b.example/simple"
[tool.pixi.workspace]
channels = ["https://c.example/acme"]
`}, "", []string{"https://a.example/simple pyproject.toml", "https://b.example/simple pyproject.toml",
			"https://c.example/acme pyproject.toml"}, []string{"pyproject.toml"}},
		{"each once, from the first file", map[string]string{"regpass.toml": `registry = ["https://a.example/simple"]`,
			"uv.toml": `index-url = "https://a.example/simple"`}, "",
			[]string{"https://a.example/simple regpass.toml"}, []string{"regpass.toml", "uv.toml"}},
		{"the nearest folder above", map[string]string{"uv.toml": `index-url = "https://far.example/simple"`,
			"near/uv.toml": `index-url = "https://near.example/simple"`, "near/deep/er/x": ""}, "near/deep/er",
			[]string{"https://near.example/simple near/uv.toml"}, []string{"near/uv.toml"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, tt.files)
			if refs, paths := find(t, dir, tt.dir); !slices.Equal(refs, tt.want) || !slices.Equal(paths, tt.paths) {
				t.Errorf("refs %q\nof %q", refs, paths)
			}
		})
	}
}

// find lists the refs that the project around root/dir names, each with its file and its name, and the files. Paths are
// relative to root.
func find(t *testing.T, root, dir string) (refs, paths []string) {
	t.Helper()
	found, files, err := project.Refs(filepath.Join(root, dir))
	if err != nil {
		t.Fatal(err)
	}
	below := func(path string) string {
		return filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator)))
	}
	for _, r := range found {
		refs = append(refs, strings.TrimSpace(r.String()+" "+below(r.Origin)+" "+r.Options["name"]))
		if r.Trusted {
			t.Errorf("%s is trusted", r)
		}
	}
	for _, f := range files {
		paths = append(paths, below(f))
	}
	return refs, paths
}

func TestRefsErrors(t *testing.T) {
	for _, tt := range []struct{ name, file, text, err string }{
		{"no TOML", "uv.toml", "index-url = \n", "project: "},
		{"no ref of ours", "regpass.toml", `registry = ["http://plain.example/simple"]`, "http"},
		{"too large", "uv.toml", "#" + strings.Repeat("x", 1<<20), "uv.toml: "},
	} {
		dir := t.TempDir()
		write(t, dir, map[string]string{tt.file: tt.text})
		if refs, _, err := project.Refs(dir); err == nil || !strings.Contains(err.Error(), tt.err) || refs != nil {
			t.Errorf("%s: %v, error %v", tt.name, refs, err)
		}
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "uv.toml"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, _, err := project.Refs(dir); err == nil || !strings.Contains(err.Error(), "is not a plain file") {
		t.Errorf("a folder: %v", err)
	}
}

func TestConfig(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"uv.toml": `index-url = "https://a.example/simple"`,
		"ours.toml": `registry = ["https://b.example/simple"]`})
	for name, want := range map[string]string{
		"uv.toml": "https://a.example/simple", "ours.toml": "https://b.example/simple",
	} {
		path := filepath.Join(dir, name)
		refs, err := project.Config(path)
		if err != nil || len(refs) != 1 || refs[0].String() != want || refs[0].Origin != path || refs[0].Trusted {
			t.Errorf("%s: %v, %v", name, refs, err)
		}
	}
	_, err := project.Config(filepath.Join(dir, "missing.toml"))
	if err == nil || !strings.HasPrefix(err.Error(), "config: ") {
		t.Errorf("a missing file: %v", err)
	}
}
