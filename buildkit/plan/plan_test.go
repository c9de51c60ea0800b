package plan

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/moby/buildkit/client"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/testenv"
)

func TestCachesAll(t *testing.T) {
	for mode, want := range map[string]bool{"": false, "min": false, "max": true} {
		p := &Plan{}
		p.Opt.CacheExports = []client.CacheOptionsEntry{{Type: "inline"},
			{Type: "local", Attrs: map[string]string{"mode": mode}}}
		if p.CachesAllStages() != want {
			t.Errorf("mode=%s: %v", mode, !want)
		}
	}
}

// A pipe in the place of a file that the build reads is an error, and is not waited for.
func TestPipesAreNotWaitedFor(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := exec.Command("mkfifo", filepath.Join(dir, ".dockerignore")).Run(); err != nil {
		t.Fatal(err)
	}
	p, err := Options{Context: dir}.Plan(t.Context(), testenv.NewMachine(t).Env(), buildkitd)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Ignored("context"); !errors.Is(err, regpass.ErrNotPlain) {
		t.Errorf("%v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
