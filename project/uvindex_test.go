package project_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/regpass/regpass/internal/testenv"
	"github.com/regpass/regpass/project"
)

func TestUVIndexes(t *testing.T) {
	const index = "[[index]]\nname = \"a\"\nurl = \"https://a.example/simple\"\n"
	const tool = "[tool.uv]\n[[tool.uv.index]]\nname = \"a\"\nurl = \"https://a.example/simple\"\n"
	for _, tt := range []struct {
		name  string
		files map[string]string
		vars  map[string]string
		dirs  []string
		want  string // NAME URL FILE, one a line
	}{
		{name: "nothing"},
		{name: "uv.toml", files: map[string]string{"uv.toml": index}, want: "a https://a.example/simple uv.toml"},
		{name: "pyproject.toml", files: map[string]string{"pyproject.toml": tool},
			want: "a https://a.example/simple pyproject.toml"},
		{name: "of another program", files: map[string]string{"pyproject.toml": strings.ReplaceAll(tool, "uv", "poetry")}},
		{name: "both, and above", files: map[string]string{"uv.toml": index, "sub/pyproject.toml": tool},
			dirs: []string{"sub"}, want: "a https://a.example/simple sub/pyproject.toml\na https://a.example/simple uv.toml"},
		{name: "inline, for pip", files: map[string]string{"uv.toml": `pip = {index = [{name = "b", url = "https://b"}]}`},
			want: "b https://b uv.toml"},
		// go-toml would take Name for name, and uv does not.
		{name: "case", files: map[string]string{"uv.toml": `index = [{name = "a", Name = "x", url = "https://a"}]`},
			want: "a https://a uv.toml"},
		{name: "no name", files: map[string]string{"uv.toml": `index = [{url = "https://a"}]`}},
		{name: "workspace", files: map[string]string{
			"pyproject.toml":       "[tool.uv.workspace]\nmembers = [\"[!x]*/one\", \"deep/**\"]",
			"packages/one/uv.toml": index, "deep/er/est/pyproject.toml": tool, "deep/README": "", "xx/one/uv.toml": index},
			want: "a https://a.example/simple packages/one/uv.toml\na https://a.example/simple deep/er/est/pyproject.toml"},
		{name: "dependency", files: map[string]string{
			"sub/pyproject.toml": "[tool.uv.sources]\nb = {path = \"../other\"}\n[tool.uv.sources.c]\npath = \"c.whl\"",
			"other/uv.toml":      index, "sub/c.whl": ""},
			dirs: []string{"sub"}, want: "a https://a.example/simple other/uv.toml"},
		{name: "a circle", files: map[string]string{"pyproject.toml": "[tool.uv.sources]\nb = {path = \".\"}\n" + tool[10:]},
			want: "a https://a.example/simple pyproject.toml"},
		{name: "variables", vars: map[string]string{"UV_INDEX": "a=https://a/ https://b/\nc=https://c/?x=y",
			"UV_DEFAULT_INDEX": "d=https://d"},
			want: "a https://a/ UV_INDEX\nc https://c/?x=y UV_INDEX\nd https://d UV_DEFAULT_INDEX"},
		{name: "other folder and file", files: map[string]string{"ci/mine": index, "sub/uv.toml": index},
			vars: map[string]string{"UV_CONFIG_FILE": "ci/mine", "UV_PROJECT": "sub"},
			want: "a https://a.example/simple ci/mine\na https://a.example/simple sub/uv.toml"},
		{name: "a file of the command", files: map[string]string{"ci/mine.toml": index}, dirs: []string{"ci/mine.toml"},
			want: "a https://a.example/simple ci/mine.toml"},
		{name: "no folder", files: map[string]string{"x": ""}, dirs: []string{"x", "y/z", "x/uv.toml",
			"https://h/x.git", strings.Repeat("x", 5000), "a\x00b", "-c", ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := testenv.New(t, tt.vars)
			env.Dir = t.TempDir()
			write(t, env.Dir, tt.files)
			found, err := project.UVIndexes(env, append(tt.dirs, ".")...)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, i := range found {
				origin := strings.TrimPrefix(i.Origin, env.Dir+string(filepath.Separator))
				got = append(got, i.Name+" "+i.URL+" "+filepath.ToSlash(origin))
			}
			want := slices.DeleteFunc(strings.Split(tt.want, "\n"), func(s string) bool { return s == "" })
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

// A process that goes to a folder by a link is in the folder that the link leads to, and uv looks above that one.
func TestUVIndexesBehindLinks(t *testing.T) {
	env := testenv.New(t, nil)
	root := t.TempDir()
	write(t, root, map[string]string{"far/uv.toml": "index = [{name = \"a\", url = \"https://a\"}]", "far/sub/x": "",
		"near/x": ""})
	env.Dir = filepath.Join(root, "near", "link")
	if err := os.Symlink("../far/sub", env.Dir); err != nil {
		t.Fatal(err)
	}
	if found, err := project.UVIndexes(env, "."); err != nil || len(found) != 1 {
		t.Errorf("%v, %v", found, err)
	}
}

// What uv may read and we cannot is refused: nobody would know where a credential goes.
func TestUVIndexesRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"x = \n":                            "line 1 is not TOML",
		"#" + strings.Repeat("x", 1<<20):    "bytes",
		"workspace = {members = [\"[\"]}\n": "not a pattern",
	} {
		env := testenv.New(t, nil)
		env.Dir = t.TempDir()
		write(t, env.Dir, map[string]string{"uv.toml": text})
		if _, err := project.UVIndexes(env, "."); err == nil || !strings.Contains(err.Error(), "uv.toml: ") ||
			strings.Contains(err.Error(), "xxx") {
			t.Errorf("%.20q: %v, want %s", text, err, want)
		}
	}
}

// A small checkout can name folders without end, by links to the folder that they are in, and one long file thousands
// of times. That is refused before it costs time or memory.
func TestUVIndexesOfABomb(t *testing.T) {
	for name, member := range map[string]string{
		"links to their own folder": "in/*/*/*/*/*/*/*/*",
		"with no match":             `in/*/*/*/*/*/x", "in/*/*/*/*/*/y`,
		"links to one long file":    "to/*",
		"all":                       "/**",
	} {
		env := testenv.New(t, nil)
		env.Dir = t.TempDir()
		write(t, env.Dir, map[string]string{
			"uv.toml":     `workspace = {members = ["` + member + `"]}`,
			"one/uv.toml": "#" + strings.Repeat("x", 1<<20-1),
		})
		for _, folder := range []string{"in", "to"} {
			if err := os.Mkdir(filepath.Join(env.Dir, folder), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 20 {
			link := strconv.Itoa(i)
			if err := errors.Join(os.Symlink(".", filepath.Join(env.Dir, "in", link)),
				os.Symlink("../one", filepath.Join(env.Dir, "to", link))); err != nil {
				t.Fatal(err)
			}
		}
		_, err := project.UVIndexes(env, ".")
		if err == nil || !strings.Contains(err.Error(), "uv's files name more than 10000 folders, or hold more than") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a word of the command leads uv to is looked at: a requirement, a file of requirements and the files that it
// names, a script. A program and a wheel are not.
func TestUVIndexesBehindWords(t *testing.T) {
	const index = "name = \"acme\"\nurl = \"https://h.example/\"\n"
	env := testenv.New(t, nil)
	env.Dir = t.TempDir()
	write(t, env.Dir, map[string]string{
		"deep/sub/uv.toml":    "[[index]]\n" + index,
		"deep/r.txt":          "# links\n-r s.txt\n",
		"deep/s.txt":          "-e ./sub ; python_version > '3'\n-r r.txt\n",
		"root.in":             "sub@file://${PROJECT_ROOT}/deep/s%75b#egg=sub",
		"run":                 "\n# /// script\r\n# [[tool.uv.index]]\r\n# name = 'acme'\r\n# url = 'x'\r\n# ///\r\n",
		"root/pyproject.toml": "[project]\ndependencies = [\"s @ file://" + filepath.ToSlash(env.Dir) + "/deep/sub\"]\n",
		"bad.py":              "# /// script\n# x =\n# ///\n",
		"a.whl":               "PK\x00" + strings.Repeat("x", 1<<20) + " -r r.txt",
		"long.txt":            strings.Repeat("x", 1<<20+1),
	})
	for word, want := range map[string]string{
		"deep/sub[x,y]": "acme", "-edeep/sub": "acme", "sub @ ./deep/sub": "acme", "--find=deep/sub": "acme",
		"root": "acme", "deep/r.txt": "acme", "-rdeep/r.txt": "acme", "root.in": "acme", "uv run run": "acme",
		"bad.py": "bad.py: its comments: line 1 is not TOML", "a.whl": "", "none": "", "long.txt": "long.txt: longer than",
	} {
		found, err := project.UVIndexes(env, ".", word)
		got := ""
		switch {
		case err != nil:
			got = err.Error()
		case len(found) > 0:
			got = found[0].Name
		}
		if got != want && (err == nil || !strings.Contains(got, want)) {
			t.Errorf("%s: %q, want %q", word, got, want)
		}
	}
}
