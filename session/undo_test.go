package session

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/internal/testenv"
)

// What others do to a file between our changes stays; what is ours goes, and what was under our keys comes back.
func TestUndoAmongOthers(t *testing.T) {
	const (
		mine   = "machine h.test\nlogin me\npassword mine\n" // the host's entry of the user's
		theirs = "machine b.test\nlogin they\npassword theirs\n"
	)
	add := func(text string, mode os.FileMode) func(*testing.T, string) {
		return func(t *testing.T, path string) { putFile(t, path, read(t, path)+text, mode) }
	}
	become := func(text string, mode os.FileMode) func(*testing.T, string) {
		return func(t *testing.T, path string) { putFile(t, path, text, mode) }
	}
	remove := func(t *testing.T, path string) { must(t, os.Remove(path)) }
	nothing := func(*testing.T, string) {}
	for _, tt := range []struct {
		name      string
		old       string // of mode 0644; empty: no file
		between   func(t *testing.T, path string)
		afterward func(t *testing.T, path string)
		want      string // empty: no file
		mode      os.FileMode
	}{
		{"nobody", mine, nothing, nothing, mine, 0o644},
		{"one who adds, at the end", mine, nothing, add(theirs, 0o600), mine + theirs, 0o600},
		{"one who adds, between", mine, add(theirs, 0o600), nothing, mine + theirs, 0o600},
		{"one who adds, each time", mine, add(theirs, 0o600), add("# z\n", 0o600), mine + theirs + "# z\n", 0o600},
		{"one who adds with another mode", mine, nothing, add(theirs, 0o640), mine + theirs, 0o640},
		{"one who adds with another mode, between", mine, add(theirs, 0o640), nothing, mine + theirs, 0o640},
		{"one who replaces all, between", mine, become(theirs, 0o640), nothing, theirs, 0o640},
		{"one who puts back what was", mine, nothing, become(mine, 0o644), mine, 0o644},
		{"one who puts back what was, between", mine, become(mine, 0o644), nothing, mine, 0o644},
		{"one who removes the file", mine, nothing, remove, "", 0},
		{"one who removes the file, between", mine, remove, nothing, "", 0},
		{"one who removes the file, and another comes", mine, remove, become(theirs, 0o600), theirs, 0o600},
		{"one who adds to ours", "", nothing, add(theirs, 0o600), theirs, 0o600},
		{"one who adds to ours, between", "", add(theirs, 0o600), nothing, theirs, 0o600},
		{"one who replaces ours", "", nothing, become(theirs, 0o644), theirs, 0o644},
		{"one who empties ours", "", nothing, become("", 0o600), "", 0},
		{"one who removes ours", "", nothing, remove, "", 0},
		{"one who removes ours, between", "", remove, nothing, "", 0},
		{"one who changes the mode", mine, nothing, func(t *testing.T, path string) { must(t, os.Chmod(path, 0o640)) }, mine,
			0o644},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := begin(t)
			path := filepath.Join(s.env.Home, "home", "netrc")
			must(t, os.Mkdir(filepath.Dir(path), 0o700))
			if tt.old != "" {
				putFile(t, path, tt.old, 0o644)
			}
			apply(t, reopen(t, s), inPlace(t, "netrc", path, "one"))
			tt.between(t, path)
			apply(t, reopen(t, s), inPlace(t, "netrc", path, "two"))
			tt.afterward(t, path)
			logout(t, s)
			left := disk(t, filepath.Dir(path))
			delete(left, "")
			want := map[string]string{}
			if tt.mode != 0 {
				want["/netrc"] = tt.mode.String() + " " + tt.want
			}
			wantSame(t, left, want)
		})
	}
}

// A journal that is not what we wrote leads to nothing being done at all: the folder is the only copy of the way back.
func TestUndoWithADamagedJournal(t *testing.T) {
	for _, tt := range []struct {
		name, why string
		damage    func(state string) string
	}{
		{"empty", "it is damaged", func(string) string { return "" }},
		{"cut", "it is damaged", func(s string) string { return s[:len(s)/2] }},
		{"cut by one byte", "it is damaged", func(s string) string { return s[:len(s)-1] }},
		{"zeros", "it is damaged", func(s string) string { return strings.Repeat("\x00", len(s)) }},
		{"null", "it has version 0", func(string) string { return "null" }},
		{"an empty object", "it has version 0", func(string) string { return "{}" }},
		{"of a later program", "it has version 2",
			func(s string) string { return strings.Replace(s, `"Version": 1`, `"Version": 2`, 1) }},
		{"with something unknown", "it is damaged",
			func(s string) string { return strings.Replace(s, `"Version"`, `"Else": 1, "Version"`, 1) }},
		{"twice", "it is damaged", func(s string) string { return s + s }},
		{"a path that is not absolute", "a path",
			func(s string) string { return strings.Replace(s, `"Path": "/`, `"Path": "../`, 1) }},
		{"a path that is not clean", "a path",
			func(s string) string { return strings.Replace(s, `"Path": "/`, `"Path": "/x/../`, 1) }},
		{"an ID that is a path", "an ID", func(s string) string { return strings.Replace(s, `"ID": "`, `"ID": "/../`, 1) }},
		{"a mode with more than permissions", "a number",
			func(s string) string { return strings.Replace(s, `"Mode": 420`, `"Mode": 8388972`, 1) }},
		{"folders below nothing", "a number",
			func(s string) string { return strings.Replace(s, `"Made": 0`, `"Made": -1`, 1) }},
		{"folders without end", "a number",
			func(s string) string { return strings.Replace(s, `"Made": 0`, `"Made": 1000000000`, 1) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := begin(t)
			path := filepath.Join(s.env.Home, "netrc")
			putFile(t, path, "machine h.test login x password y\n", 0o644)
			must(t, s.Keep(minted("k", "s3cr3t")))
			apply(t, s, inPlace(t, "netrc", path, "t0ken"))
			whole := read(t, filepath.Join(s.Dir, stateName))
			damaged := tt.damage(whole)
			if damaged == whole {
				t.Fatal("nothing was damaged")
			}
			putFile(t, filepath.Join(s.Dir, stateName), damaged, 0o600)
			before := disk(t, s.env.Home)
			did, warnings := reopen(t, s).Undo(t.Context(), revokeNone(t))
			if len(did) > 0 || len(warnings) != 1 {
				t.Fatalf("did %v, warned %v", did, warnings)
			}
			testenv.WantError(t, warnings[0], "s3cr3t", stateName+" is not what regpass wrote: "+tt.why, "nothing was undone",
				undoName)
			testenv.WantError(t, s.Apply(t.Context(), []envsync.Change{inPlace(t, "netrc", path, "t0ken")}), "s3cr3t",
				"is not what regpass wrote")
			testenv.WantError(t, s.Keep(minted("k", "other")), "s3cr3t", "is not what regpass wrote")
			wantSame(t, disk(t, s.env.Home), before)
			putFile(t, filepath.Join(s.Dir, stateName), whole, 0o600)
			logout(t, s)
			if got := read(t, path); got != "machine h.test login x password y\n" {
				t.Errorf("it holds %q", got)
			}
		})
	}
}

func revokeNone(t *testing.T) Revoke {
	return func(_ context.Context, l Lease) (bool, error) {
		t.Errorf("%s was revoked", l.Key)
		return false, nil
	}
}

// A file that can't be put back stays in the journal, with nothing of ours but what is needed for another try.
func TestUndoThatHasToTryAgain(t *testing.T) {
	const old = "machine h.test login x password y\n"
	for _, tt := range []struct {
		name, why string
		block     func(t *testing.T, s *Session, path string) (unblock func())
	}{
		{"a link in its place", "it is a symbolic link to", func(t *testing.T, _ *Session, path string) func() {
			must(t, os.Rename(path, path+".real"))
			must(t, os.Symlink(path+".real", path))
			return func() { must(t, os.Rename(path+".real", path)) }
		}},
		{"a folder in its place", "it is not a plain file", func(t *testing.T, _ *Session, path string) func() {
			must(t, os.Rename(path, path+".real"))
			must(t, os.Mkdir(path, 0o700))
			return func() { must(t, os.Remove(path)); must(t, os.Rename(path+".real", path)) }
		}},
		{"malformed by others", "netrc: line 1", func(t *testing.T, _ *Session, path string) func() {
			was := read(t, path)
			putFile(t, path, "word "+was, 0o600)
			return func() { putFile(t, path, was, 0o600) }
		}},
		{"the way back is lost", "its former content is lost", func(t *testing.T, s *Session, _ string) func() {
			st, err := s.load()
			must(t, err)
			undo := filepath.Join(s.Dir, st.Journal[0].undo()) // of the file that was changed first
			putFile(t, undo, "other", 0o600)
			return func() { putFile(t, undo, old, 0o600) }
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := begin(t)
			path, good := filepath.Join(s.env.Home, "netrc"), filepath.Join(s.env.Home, "good")
			putFile(t, path, old, 0o644)
			putFile(t, good, old, 0o644)
			must(t, s.Keep(minted("k", "s3cr3t")))
			own := inPlace(t, "netrc", filepath.Join(s.Files(), "netrc"), "0wn")
			own.Private = true
			apply(t, s, own, inPlace(t, "netrc", path, "t0ken"))
			apply(t, s, inPlace(t, "netrc", good, "t0ken"))
			unblock := tt.block(t, s, path)
			revoked := 0
			_, warnings := reopen(t, s).Undo(t.Context(),
				func(context.Context, Lease) (bool, error) { revoked++; return true, nil })
			if len(warnings) != 2 {
				t.Fatalf("warned %v", warnings)
			}
			testenv.WantError(t, warnings[0], "t0ken", "put back "+path+": "+tt.why)
			testenv.WantError(t, warnings[1], "t0ken", s.Dir+" stays", "run `regpass logout` again")
			if read(t, good) != old {
				t.Error("the other file was not put back")
			}
			if changed, err := s.Changed(); err != nil || !slices.Equal(changed, []string{path}) {
				t.Errorf("in the journal: %v, %v", changed, err)
			}
			for name, what := range disk(t, s.Dir) {
				if strings.Contains(what, "t0ken") || strings.Contains(what, "0wn") || strings.Contains(what, "s3cr3t") {
					t.Errorf("%s holds a token", name)
				}
			}
			unblock()
			again, err := openExisting(s.env, s.Dir, false)
			must(t, err)
			_, warnings = again.Undo(t.Context(), revokeNone(t))
			if len(warnings) > 0 || revoked != 1 {
				t.Errorf("then warned %v, revoked %d", warnings, revoked)
			}
			if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o644 || read(t, path) != old {
				t.Errorf("it is %v and holds %q, %v", st, read(t, path), err)
			}
			wantGone(t, s.Dir)
		})
	}
}

func TestUndoRevokes(t *testing.T) {
	now := noon
	s, err := Open(machineAt(t, &now), filepath.Join(t.TempDir(), "s"))
	must(t, err)
	for _, l := range []struct {
		key  string
		ours bool
		life time.Duration
	}{{"good", true, time.Hour}, {"endless", true, 0}, {"over", true, time.Minute},
		{"a key of the user's", false, time.Hour}, {"stubborn", true, time.Hour}, {"unrevocable", true, time.Hour}} {
		one := minted(l.key, "s3cr3t-"+l.key)
		one.Revocable, one.Cred.Host, one.Cred.Expires = l.ours, l.key+".test", time.Time{}
		if l.life > 0 {
			one.Cred.Expires = noon.Add(l.life)
		}
		must(t, s.Keep(one))
	}
	now = now.Add(time.Minute)
	var asked []string
	did, warnings := s.Undo(t.Context(), func(_ context.Context, l Lease) (bool, error) {
		asked = append(asked, l.Key)
		if l.Key == "stubborn" {
			return false, errors.New("no")
		}
		return l.Key != "unrevocable", nil
	})
	if want := []string{"good", "endless", "stubborn", "unrevocable"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %v", asked)
	}
	if want := []string{"revoked the credential for good.test", "revoked the credential for endless.test",
		"removed " + s.Dir}; !slices.Equal(did, want) {
		t.Errorf("did %v", did)
	}
	if len(warnings) != 1 {
		t.Fatalf("warned %v", warnings)
	}
	testenv.WantError(t, warnings[0], "s3cr3t", "revoke the credential for stubborn.test: no")
	wantGone(t, s.Dir)
}

func TestUndoLeavesWhatIsNotOurs(t *testing.T) {
	s := begin(t)
	must(t, s.Keep(minted("k", "s3cr3t")))
	putFile(t, filepath.Join(s.Dir, "thesis.txt"), "mine", 0o600)
	did, warnings := s.Undo(t.Context(), nil)
	if len(did) > 0 || len(warnings) != 1 {
		t.Fatalf("did %v, warned %v", did, warnings)
	}
	testenv.WantError(t, warnings[0], "", s.Dir+" stays", `"thesis.txt"`)
	if left := slices.Sorted(maps.Keys(disk(t, s.Dir))); !slices.Equal(left, []string{"", "/thesis.txt"}) {
		t.Errorf("there is %v", left)
	}
}

func TestUndoTwiceAtOnce(t *testing.T) {
	s := begin(t)
	path := filepath.Join(s.env.Home, "netrc")
	putFile(t, path, "machine h.test login x password y\n", 0o644)
	must(t, s.Keep(minted("k", "s3cr3t")))
	apply(t, s, inPlace(t, "netrc", path, "t0ken"))
	var mu sync.Mutex
	var did []string
	var all sync.WaitGroup
	var open []*Session
	for range 8 {
		open = append(open, reopen(t, s))
	}
	for _, mine := range open {
		all.Go(func() {
			d, warnings := mine.Undo(t.Context(), func(context.Context, Lease) (bool, error) { return true, nil })
			mu.Lock()
			defer mu.Unlock()
			did = append(did, d...)
			if len(warnings) > 0 {
				t.Errorf("warned %v", warnings)
			}
		})
	}
	all.Wait()
	if want := []string{"put back " + path, "revoked the credential for h.test", "removed " + s.Dir}; !slices.Equal(did,
		want) {
		t.Errorf("did %v", did)
	}
}

func TestUndoOfNothing(t *testing.T) {
	now := noon
	env := machineAt(t, &now)
	empty := filepath.Join(env.Home, "empty") // as a login leaves it that is killed right after making it
	must(t, os.Mkdir(empty, 0o700))
	s, err := openExisting(env, empty, false)
	must(t, err)
	if did, warnings := s.Undo(t.Context(), nil); len(did) > 0 || len(warnings) > 0 {
		t.Errorf("did %v, warned %v", did, warnings)
	}
	wantGone(t, empty)
}

// However leases and logouts mix, the last logout leaves the file as it was before the first login.
func TestLoginsAndLogoutsAtOnce(t *testing.T) {
	now := noon
	env := machineAt(t, &now)
	dir, path := filepath.Join(env.Home, "run", "regpass"), filepath.Join(env.Home, "netrc")
	const old = "# mine\nmachine a.test login x password y\n"
	putFile(t, path, old, 0o640)
	var all sync.WaitGroup
	var mu sync.Mutex
	made, revoked := map[string]bool{}, map[string]bool{}
	revoke := func(_ context.Context, l Lease) (bool, error) {
		mu.Lock()
		defer mu.Unlock()
		revoked[l.Cred.Secret.Reveal()] = true
		return true, nil
	}
	for n := range 6 {
		all.Go(func() {
			for range 10 {
				s, err := Open(env, dir)
				if err != nil {
					t.Errorf("open: %v", err)
					return
				}
				l, err := s.Mint(context.Background(), rand.Text(), regpass.Least{}, func(context.Context, *Lease) (Lease, error) {
					l := minted("", rand.Text())
					mu.Lock()
					defer mu.Unlock()
					made[l.Cred.Secret.Reveal()] = true
					return l, nil
				})
				if err == nil {
					c := envsync.Change{Path: path, Format: formatOf(t, "netrc"), Entries: []envsync.Entry{{Cred: l.Cred}}}
					c.Entries[0].Cred.Host = string(rune('b'+n)) + ".test"
					err = s.Apply(context.Background(), []envsync.Change{c})
				} else if !l.Cred.Secret.Empty() {
					_, _ = revoke(context.Background(), l)
				}
				if err != nil && !errors.Is(err, errEnded) {
					t.Errorf("login: %v", err)
				}
			}
		})
	}
	for range 2 {
		all.Go(func() {
			for range 15 {
				s, err := openExisting(env, dir, false)
				if err != nil {
					continue
				}
				if _, warnings := s.Undo(context.Background(), revoke); len(warnings) > 0 {
					t.Errorf("logout: %v", warnings)
				}
			}
		})
	}
	all.Wait()
	s, err := Open(env, dir)
	must(t, err)
	if _, warnings := s.Undo(t.Context(), revoke); len(warnings) > 0 {
		t.Errorf("logout: %v", warnings)
	}
	wantGone(t, dir)
	wantSame(t, disk(t, path), map[string]string{"": os.FileMode(0o640).String() + " " + old})
	if !maps.Equal(made, revoked) {
		t.Errorf("%d credentials were made, %d revoked", len(made), len(revoked))
	}
}
