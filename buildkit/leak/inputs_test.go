package leak

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tonistiigi/fsutil"

	"github.com/regpass/regpass"
)

func TestArguments(t *testing.T) {
	w := newWatch(nil)
	if err := w.Arguments("build argument", map[string]string{"A": "b", "PASS": "password"}); err != nil {
		t.Error(err)
	}
	err := w.Arguments("build argument", map[string]string{"A": "b", "INDEX": "https://u:" + live[:20] + "@x",
		"AUTH": base64.StdEncoding.EncodeToString([]byte("u:" + live)), live: "x"})
	want := []Leak{
		leak("argument", "build argument AUTH", "", "base64"),
		leak("argument", "build argument ***", "", "plain"),
	}
	if !errors.Is(err, regpass.ErrFound) || !slices.Equal(w.Leaks(), want) {
		t.Errorf("%v: %+v", err, w.Leaks())
	}
}

func TestContext(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"clean.txt": "nothing", ".env": "TOKEN=" + live + "\n", "deep/er/.netrc": "machine x password " + live,
		"deep/skip/.netrc": live,
		"ignored":          live, "big": strings.Repeat("x", MaxContextFile) + live, live[:8] + ".txt": "",
	} {
		write(t, filepath.Join(dir, name), text)
	}
	if err := os.Symlink("/srv/"+strings.ReplaceAll(live, "/", "%2F"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	root, err := fsutil.NewFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	w := newWatch(nil)
	partly, err := w.Context(t.Context(), root, []string{"ignored", "**/skip", "!deep/er"})
	if !errors.Is(err, regpass.ErrFound) || !slices.Equal(partly, []string{"big"}) {
		t.Error(partly, err)
	}
	var what []string
	for _, l := range w.Leaks() {
		what = append(what, l.Name)
	}
	if want := []string{"file .env", "file deep/er/.netrc", "file link"}; !slices.Equal(what, want) {
		t.Errorf("leaks in %q", what)
	}

	clean := newWatch(nil)
	if partly, err := clean.Context(t.Context(), root, []string{"*", "!clean.txt"}); err != nil || partly != nil {
		t.Error(partly, err)
	}
	if _, err := clean.Context(t.Context(), root, []string{"[a-"}); err == nil ||
		!strings.HasPrefix(err.Error(), "build: context: ") {
		t.Error(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := clean.Context(over, root, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
