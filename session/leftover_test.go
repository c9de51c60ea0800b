package session

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/internal/testenv"
)

// What a client leaves in the folder of a session that has ended is no session, and the next one takes it over.
func TestLeftoversOfClientsAreTakenOver(t *testing.T) {
	s := begin(t)
	logout(t, s)
	store := filepath.Join(s.Files(), "uv", "credentials.toml")
	testenv.Write(t, store, "mine")
	outlived := filepath.Join(s.Dir, subName+"ABCDEFGHIJKLMNOPQRSTUVWXYZ", filesName)
	must(t, os.MkdirAll(outlived, 0o755))
	must(t, os.Symlink("/nowhere", filepath.Join(s.Files(), "netrc")))
	for _, dir := range []string{s.Dir, s.Files(), filepath.Dir(store)} {
		must(t, os.Chmod(dir, 0o755))
	}
	if again, err := At(s.env, s.Dir); again != nil || err != nil {
		t.Errorf("it is a session: %v", err)
	}
	again := reopen(t, s)
	if st, err := os.Stat(s.Dir); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("it is open to others: %v", err)
	}
	if got := read(t, store); got != "mine" {
		t.Errorf("the person's own login is %q", got)
	}
	wantGone(t, filepath.Dir(outlived))
	wantGone(t, filepath.Join(s.Files(), "netrc"))
	logout(t, again)

	// What others could have written is not read.
	testenv.Write(t, store, "theirs")
	must(t, os.Chmod(filepath.Dir(store), 0o777))
	again = reopen(t, s)
	wantGone(t, s.Files())
	logout(t, again)
}

func TestLeftoversOfOthersAreLeft(t *testing.T) {
	for _, path := range []string{"files/mine", "files/netrc/../../mine", "exec-mine/x", "uv/x"} {
		s := begin(t)
		logout(t, s)
		testenv.Write(t, filepath.Join(s.Dir, filepath.FromSlash("files/netrc")), "x")
		testenv.Write(t, filepath.Join(s.Dir, filepath.FromSlash(path)), "mine")
		before := disk(t, s.Dir)
		if _, err := Open(s.env, s.Dir); err == nil {
			t.Errorf("%s: taken over", path)
		}
		wantSame(t, disk(t, s.Dir), before)
	}
}

// A shell that still names our files finds the user's own there.
func TestLogoutLeavesLinks(t *testing.T) {
	s := begin(t)
	own := filepath.Join(s.env.Home, ".netrc")
	testenv.Write(t, own, "machine own.test login a password b\n")
	private := filepath.Join(s.Files(), "netrc")
	vars := []envsync.Var{{Name: "NETRC", Plain: private, Own: own},
		{Name: "RATTLER_AUTH_FILE", Plain: filepath.Join(s.Files(), "rattler.json"), Own: filepath.Join(s.env.Home, "none")}}
	must(t, s.Remember(t.Context(), vars))
	if _, warnings := s.End(t.Context(), nil, Ending{Links: true}); len(warnings) > 0 {
		t.Errorf("warned %v", warnings)
	}
	if got := read(t, private); got != read(t, own) {
		t.Errorf("the shell reads %q", got)
	}
	wantGone(t, filepath.Join(s.Files(), "rattler.json"))
	if again, err := At(s.env, s.Dir); again != nil || err != nil {
		t.Errorf("it is a session: %v", err)
	}
	again := reopen(t, s)
	wantGone(t, private)
	logout(t, again)
}
