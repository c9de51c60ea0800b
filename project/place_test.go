package project

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regpass/regpass"
)

// tree makes files, by their names below a new folder, and returns the folder. A name with "foreign" in it stands for
// one that belongs to somebody else.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func notForeign(st fs.FileInfo) bool { return !strings.Contains(st.Name(), "foreign") }

func TestWhereTheSearchEnds(t *testing.T) {
	dir := tree(t, "a/b/c", "foreign/mine/c", "repo/.git", "repo/sub/c", "home/x/c")
	p := place{root: filepath.Join(dir, "repo"), home: filepath.Join(dir, "home"), ours: notForeign}
	for name, want := range map[string]bool{"a/b": false, "a": false, "foreign/mine": true, "repo/sub": false,
		"repo": true, "home/x": false, "home": true, "../../../../../../../..": true} {
		if got := p.ends(filepath.Join(dir, name)); got != want {
			t.Errorf("%s: ends %v", name, got)
		}
	}
}

func TestRootOfTheRepository(t *testing.T) {
	dir := tree(t, "repo/.git", "repo/sub/deep/c", "other/c")
	env := &regpass.Env{Home: dir}
	for name, want := range map[string]string{"repo/sub/deep": "repo", "repo": "repo", "other": ""} {
		env.Dir = filepath.Join(dir, name)
		if want != "" {
			want = filepath.Join(dir, want)
		}
		if p := placeOf(env); p.root != want {
			t.Errorf("%s: root %q", name, p.root)
		}
	}
}

func TestFilesOfAForeignFolderAreSaid(t *testing.T) {
	dir := tree(t, "foreign/uv.toml", "foreign/requirements.txt", "foreign/mine/c")
	p := place{ours: notForeign}
	left := p.foreignAbove(filepath.Join(dir, "foreign", "mine"))
	const want = "uv.toml\" is passed over: its folder belongs to another user"
	if len(left) != 1 || !strings.Contains(left[0].Error(), want) {
		t.Errorf("%v", left)
	}
	if p.home = filepath.Join(dir, "foreign", "mine"); p.foreignAbove(p.home) != nil {
		t.Error("above the home folder")
	}
}

// What belongs to somebody else, and a link that leads out of the project, is not read.
func TestReadStaysInTheProject(t *testing.T) {
	dir := tree(t, "outside", "repo/uv.toml", "repo/foreign.toml", "repo/sub/x")
	links := map[string]string{"repo/sub/in.toml": "../uv.toml", "repo/out.toml": "../outside",
		"repo/abs.toml": filepath.Join(dir, "outside"), "repo/none.toml": "nothing", "repo/theirs.toml": "foreign.toml",
		"repo/by-foreign.toml": "uv.toml"}
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	ours := func(st fs.FileInfo) bool { return notForeign(st) && st.Name() != "theirs.toml" } // Stat keeps the link's name
	p := place{root: filepath.Join(dir, "repo"), ours: ours}
	for name, want := range map[string]error{
		"uv.toml": nil, "sub/in.toml": nil, "out.toml": errOutside, "abs.toml": errOutside, "none.toml": fs.ErrNotExist,
		"foreign.toml": errForeign, "theirs.toml": errForeign, "by-foreign.toml": errForeign,
		"sub": regpass.ErrNotPlain,
	} {
		text, err := p.read(filepath.Join(p.root, name))
		if !errors.Is(err, want) || (err == nil) != (string(text) == "repo/uv.toml") {
			t.Errorf("%s: %q, %v; want %v", name, text, err, want)
		}
	}
	p.root = "" // without a repository, the folder of the file is the project
	if _, err := p.read(filepath.Join(dir, "repo/sub/in.toml")); !errors.Is(err, errOutside) {
		t.Errorf("out of the folder: %v", err)
	}
}
