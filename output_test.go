package regpass_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/regpass/regpass"
)

func TestOutputFollowsNoLinkOfTheCheckout(t *testing.T) {
	top := t.TempDir()
	repo, elsewhere := filepath.Join(top, "repo"), filepath.Join(top, "elsewhere")
	for _, dir := range []string{filepath.Join(repo, ".git", "hooks"), filepath.Join(repo, "app", "out"), elsewhere} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		filepath.Join(repo, "app", "meta.json"): filepath.Join(elsewhere, "target"),
		filepath.Join(repo, "app", "hooks"):     filepath.Join(repo, ".git", "hooks"),
		filepath.Join(repo, "app", "away"):      elsewhere,
		filepath.Join(repo, "app", "dangling"):  filepath.Join(elsewhere, "nothing"),
		filepath.Join(elsewhere, "link"):        filepath.Join(elsewhere, "target"),
		filepath.Join(top, "by-link"):           repo,
	} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	app := filepath.Join(repo, "app")
	for _, c := range []struct {
		dir, path, want string // want: empty if it is refused
	}{
		{app, "new.json", filepath.Join(app, "new.json")},
		{app, "out/new/deep", filepath.Join(app, "out", "new", "deep")},
		{app, "../up.json", filepath.Join(repo, "up.json")},
		{app, filepath.Join(elsewhere, "link"), filepath.Join(elsewhere, "link")}, // no file of the checkout
		{app, "../../elsewhere/link", filepath.Join(elsewhere, "link")},
		{app, "meta.json", ""},
		{app, filepath.Join(app, "meta.json"), ""},
		{app, "dangling", ""},
		{app, "hooks/post-commit", ""}, // also a link that stays in the checkout
		{app, "away/new", ""},
		{filepath.Join(app, "out"), "../meta.json", ""},
		{filepath.Join(top, "by-link", "app"), "meta.json", ""},
		{filepath.Join(top, "by-link", "app"), filepath.Join(app, "meta.json"), ""},
		{filepath.Join(top, "by-link", "app"), "new.json", filepath.Join(top, "by-link", "app", "new.json")},
	} {
		env := &regpass.Env{Dir: c.dir}
		got, err := env.Output(c.path)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s in %s: %q, %v", c.path, c.dir, got, err)
		}
		if err != nil && (!errors.Is(err, regpass.ErrUsage) || len(regpass.Hints(err)) == 0) {
			t.Errorf("%s: %v is no usage error with a hint", c.path, err)
		}
	}
}
