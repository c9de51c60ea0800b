package session

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/envsync/clients"
	"github.com/regpass/regpass/internal/testenv"
)

// handOver is an entry for a REGISTRY as one writes it.
func handOver(tb testing.TB, ref string, kind regpass.Kind, username, secret string) envsync.Entry {
	tb.Helper()
	r, c := testenv.Credential(tb, ref, kind, username, secret)
	return envsync.Entry{Ref: r, Cred: c}
}

// formatOf is the file format of that name.
func formatOf(t *testing.T, name string) envsync.Format {
	t.Helper()
	f, err := clients.FindFormat(name)
	must(t, err)
	return f
}

// inPlace is a change that gives the test's host a token.
func inPlace(t *testing.T, format, path, token string) envsync.Change {
	t.Helper()
	return envsync.Change{Path: path, Format: formatOf(t, format),
		Entries: []envsync.Entry{handOver(t, "https://h.test/simple", regpass.Bearer, "__token__", token)}}
}

func apply(t *testing.T, s *Session, all ...envsync.Change) {
	t.Helper()
	must(t, s.Apply(t.Context(), all))
}

// logout undoes a session as another process would; it must leave nothing to warn of and nothing behind.
func logout(t *testing.T, s *Session) []string {
	t.Helper()
	again, err := openExisting(s.env, s.Dir, false)
	must(t, err)
	did, warnings := again.Undo(t.Context(), nil)
	if len(warnings) > 0 {
		t.Errorf("warnings: %v", warnings)
	}
	wantGone(t, s.Dir)
	return did
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	return string(content)
}

// putFile makes a file of that mode with its folders.
func putFile(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	testenv.Write(t, path, content)
	must(t, os.Chmod(path, mode))
}

func TestApplyAndUndoLeaveAllAsItWas(t *testing.T) {
	for _, tt := range []struct {
		name, format, path, old string
		mode                    os.FileMode // 0: no file
	}{
		{"no netrc", "netrc", ".netrc", "", 0},
		{"no folder", "rattler", ".rattler/credentials.json", "", 0},
		{"no folders", "netrc", "a/b/c/netrc", "", 0},
		{"an empty netrc", "netrc", ".netrc", "", 0o600},
		{"a netrc that all may read", "netrc", ".netrc", "# mine\r\nmachine a.test login x password y\r\n", 0o644},
		{"a netrc that nobody may write", "netrc", ".netrc", "machine a.test\n\tlogin x\n\tpassword y", 0o400},
		{"a netrc with an entry for the host", "netrc", ".netrc",
			"machine h.test # work\n login x password y # z\nmachine b.test login x password y\n", 0o640},
		{"a netrc with a macro", "netrc", ".netrc", "macdef init\ncd /pub\n\nmachine a.test login x password y\n", 0o600},
		{"rattler's own", "rattler", ".rattler/credentials.json", "{\n  \"a.test\": {\"CondaToken\": \"x\"}\n}", 0o660},
		{"rattler's own with the host", "rattler", ".rattler/credentials.json",
			`{"h.test":{"CondaToken":"x"} , "a.test":{"CondaToken":"y"}}`, 0o600},
		{"uv's store", "uv", "uv/credentials.toml", "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := begin(t)
			path := filepath.Join(s.env.Home, "home", tt.path)
			must(t, os.Mkdir(filepath.Join(s.env.Home, "home"), 0o700))
			if tt.mode != 0 {
				putFile(t, path, tt.old, tt.mode)
			}
			before := disk(t, filepath.Join(s.env.Home, "home"))
			for _, token := range []string{"t0ken-one", "t0ken-two"} {
				apply(t, reopen(t, s), inPlace(t, tt.format, path, token))
				if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 || !strings.Contains(read(t, path), token) {
					t.Errorf("after the login: %v, %v", st, err)
				}
				for name := range disk(t, filepath.Join(s.env.Home, "home")) {
					if strings.Contains(name, "regpass") {
						t.Errorf("%s lies beside", name)
					}
				}
			}
			if changed, err := s.Changed(); err != nil || !slices.Equal(changed, []string{path}) {
				t.Errorf("changed: %v, %v", changed, err)
			}
			logout(t, s)
			wantSame(t, disk(t, filepath.Join(s.env.Home, "home")), before)
		})
	}
}

func TestApplyRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, why string
		prepare   func(t *testing.T, path string) string
	}{
		{"a link", "it is a symbolic link", func(t *testing.T, path string) string {
			putFile(t, path+".real", "machine a.test login x password y\n", 0o600)
			must(t, os.Symlink(path+".real", path))
			return path
		}},
		{"a dangling link", "it is a symbolic link", func(t *testing.T, path string) string {
			must(t, os.Symlink("nowhere", path))
			return path
		}},
		{"a link to the null device", "it is a symbolic link", func(t *testing.T, path string) string {
			must(t, os.Symlink(os.DevNull, path))
			return path
		}},
		{"a folder", "it is not a plain file", func(t *testing.T, path string) string {
			must(t, os.Mkdir(path, 0o700))
			return path
		}},
		{"a pipe", "it is not a plain file", func(t *testing.T, path string) string {
			makePipe(t, path)
			return path
		}},
		{"a file in a file", "is not a folder", func(t *testing.T, path string) string {
			putFile(t, path, "", 0o600)
			return filepath.Join(path, "netrc")
		}},
		{"a file in a pipe", "is not a folder", func(t *testing.T, path string) string {
			makePipe(t, path)
			return filepath.Join(path, "netrc")
		}},
		{"somebody else's", "it belongs to another user", func(t *testing.T, path string) string {
			putFile(t, path, "machine a.test login x password y\n", 0o644)
			return giveAway(t, path, "/etc/passwd")
		}},
		{"one with a second name", "it has a second name, a hard link", func(t *testing.T, path string) string {
			putFile(t, path, "machine a.test login x password y\n", 0o600)
			must(t, os.Link(path, path+".other"))
			return path
		}},
		{"a huge one", "is longer than 1048576 bytes", func(t *testing.T, path string) string {
			putFile(t, path, strings.Repeat("# x\n", 1<<18)+"#", 0o600)
			return path
		}},
		{"a malformed one", "line 1", func(t *testing.T, path string) string {
			putFile(t, path, "word machine a.test", 0o600)
			return path
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := begin(t)
			home := filepath.Join(s.env.Home, "home")
			must(t, os.Mkdir(home, 0o700))
			good := filepath.Join(home, "good")
			path := tt.prepare(t, filepath.Join(home, ".netrc"))
			before := disk(t, home)
			err := s.Apply(t.Context(), []envsync.Change{inPlace(t, "netrc", good, "t0ken"), inPlace(t, "netrc", path, "t0ken")})
			testenv.WantError(t, err, "t0ken", "netrc: "+path+" is left as it is: ", tt.why)
			wantSame(t, disk(t, home), before)
			if changed, err := s.Changed(); err != nil || len(changed) > 0 {
				t.Errorf("in the journal: %v, %v", changed, err)
			}
			logout(t, s)
			wantSame(t, disk(t, home), before)
		})
	}
}

// A folder that is reached by a link is a folder.
func TestApplyInALinkedFolder(t *testing.T) {
	s := begin(t)
	real, link := filepath.Join(s.env.Home, "real"), filepath.Join(s.env.Home, "link")
	putFile(t, filepath.Join(real, "netrc"), "machine a.test login x password y\n", 0o644)
	must(t, os.Symlink(real, link))
	before := disk(t, real)
	apply(t, s, inPlace(t, "netrc", filepath.Join(link, "netrc"), "one"))
	apply(t, s, inPlace(t, "netrc", filepath.Join(real, "netrc"), "two"))
	if got := read(t, filepath.Join(real, "netrc")); !strings.Contains(got, "two") {
		t.Errorf("it holds %q", got)
	}
	logout(t, s)
	wantSame(t, disk(t, real), before)
}

// A file can be ours in a folder that is not: what we write there is for us alone.
func TestApplyInAFolderOfSomebodyElse(t *testing.T) {
	s := begin(t)
	dir := filepath.Join(s.env.Home, "shared")
	must(t, os.Mkdir(dir, 0o700))
	must(t, os.Chmod(dir, 0o777))
	giveAway(t, dir, "")
	before := disk(t, dir)
	apply(t, s, inPlace(t, "netrc", filepath.Join(dir, "netrc"), "t0ken"))
	if st, err := os.Stat(filepath.Join(dir, "netrc")); err != nil || st.Mode().Perm() != 0o600 || !regpass.OwnedByUs(st) {
		t.Errorf("got %v, %v", st, err)
	}
	logout(t, s)
	wantSame(t, disk(t, dir), before)
}

func TestApplyWhatIsThereAlready(t *testing.T) {
	s := begin(t)
	path := filepath.Join(s.env.Home, "netrc")
	putFile(t, path, "machine h.test\nlogin __token__\npassword mine\n", 0o600)
	apply(t, s, inPlace(t, "netrc", path, "mine"))
	if changed, err := s.Changed(); err != nil || len(changed) > 0 {
		t.Errorf("in the journal: %v, %v", changed, err)
	}
	must(t, os.Chmod(path, 0o644))
	before := disk(t, path)
	apply(t, s, inPlace(t, "netrc", path, "mine"))
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the token may be read by others: %v, %v", st, err)
	}
	logout(t, s)
	wantSame(t, disk(t, path), before)
}

// Others may write between our reading and our renaming. Theirs stays, ours is not written, and nothing is left.
func TestApplyWhileOthersWrite(t *testing.T) {
	const theirs = "machine h.test login their password own\n"
	for _, tt := range []struct {
		name, old string
		other     func(t *testing.T, path string)
	}{
		{"a new file", "", func(t *testing.T, path string) { putFile(t, path, theirs, 0o640) }},
		{"another content", "machine a.test login x password y\n",
			func(t *testing.T, path string) { putFile(t, path, theirs, 0o640) }},
		{"no file any more", "machine a.test login x password y\n",
			func(t *testing.T, path string) { must(t, os.Remove(path)) }},
		{"a link", "machine a.test login x password y\n", func(t *testing.T, path string) {
			must(t, os.Remove(path))
			must(t, os.Symlink("/etc/hosts", path))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := begin(t)
			home := filepath.Join(s.env.Home, "home")
			first, path := filepath.Join(home, "first"), filepath.Join(home, "netrc")
			putFile(t, first, "machine h.test login x password y\n", 0o644)
			if tt.old != "" {
				putFile(t, path, tt.old, 0o600)
			}
			untouched := read(t, first)
			var edits []*edit
			for _, p := range []string{first, path, filepath.Join(home, "folder", "last")} {
				e, err := s.planEdit(inPlace(t, "netrc", p, "t0ken"))
				must(t, err)
				edits = append(edits, e)
			}
			tt.other(t, path)
			before := disk(t, home)
			err := s.applyInPlace(state{Version: stateVersion}, edits)
			if err == nil {
				t.Fatal("no error")
			}
			testenv.WantError(t, err, "t0ken", "netrc: write "+path, "`regpass logout`")
			if changed, err := s.Changed(); err != nil || !slices.Equal(changed, []string{first}) {
				t.Errorf("in the journal: %v, %v", changed, err)
			}
			after := disk(t, home)
			if !strings.Contains(after["/first"], "t0ken") {
				t.Errorf("the first file, which nobody wrote, is %q", after["/first"])
			}
			delete(before, "/first")
			delete(after, "/first")
			wantSame(t, after, before)
			logout(t, s)
			after = disk(t, home)
			if read(t, first) != untouched {
				t.Errorf("the first file is now %q", read(t, first))
			}
			delete(after, "/first")
			wantSame(t, after, before)
		})
	}
}

// What fails before the first file is touched leaves all of them, and the journal, as they were.
func TestApplyThatCannotPrepare(t *testing.T) {
	for _, tt := range []struct {
		name  string
		block func(t *testing.T, s *Session, home string)
	}{
		{"the journal", func(t *testing.T, s *Session, _ string) { // a folder with something in it can't be replaced
			must(t, os.MkdirAll(filepath.Join(s.Dir, stateTemp, "x"), 0o700))
		}},
		{"the second file's folder", func(t *testing.T, _ *Session, home string) {
			must(t, os.Symlink("nowhere", filepath.Join(home, "folder")))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := begin(t)
			home := filepath.Join(s.env.Home, "home")
			path := filepath.Join(home, "netrc")
			putFile(t, path, "machine h.test login x password y\n", 0o644)
			tt.block(t, s, home)
			before := disk(t, home)
			err := s.Apply(t.Context(),
				[]envsync.Change{inPlace(t, "netrc", path, "t0ken"),
					inPlace(t, "netrc", filepath.Join(home, "folder", "netrc"), "t0ken")})
			testenv.WantError(t, err, "t0ken", "your files are as they were")
			wantSame(t, disk(t, home), before)
			if changed, err := s.Changed(); err != nil || len(changed) > 0 {
				t.Errorf("in the journal: %v, %v", changed, err)
			}
			logout(t, s)
			wantSame(t, disk(t, home), before)
		})
	}
}

func TestOwnFilesAddUp(t *testing.T) {
	s := begin(t)
	own := func(name, ref, token string) envsync.Change {
		return envsync.Change{Private: true, Path: filepath.Join(s.Files(), name), Format: formatOf(t, "netrc"),
			Base:    []byte("machine base.test login x password y\n"),
			Entries: []envsync.Entry{handOver(t, ref, regpass.Bearer, "__token__", token)}}
	}
	apply(t, reopen(t, s), own("netrc", "https://a.test", "first"))
	apply(t, reopen(t, s), own("netrc", "https://b.test", "second"), own("deep/er/netrc", "https://c.test", "third"))
	apply(t, reopen(t, s), own("netrc", "https://a.test", "fresh"))
	got := read(t, filepath.Join(s.Files(), "netrc"))
	for _, want := range []string{"base.test", "a.test", "fresh", "b.test", "second"} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%s stands %d times in\n%s", want, strings.Count(got, want), got)
		}
	}
	for name, what := range disk(t, s.Dir) {
		if !strings.HasPrefix(what, "-rw-------") && !strings.HasPrefix(what, "drwx------") {
			t.Errorf("%s is %s", name, what)
		}
	}
	if changed, err := s.Changed(); err != nil || len(changed) > 0 {
		t.Errorf("in the journal: %v, %v", changed, err)
	}
	for _, outside := range []string{filepath.Join(s.env.Home, "x"), s.Dir, filepath.Join(s.Files(), "..", "..", "x")} {
		err := s.Apply(t.Context(), []envsync.Change{{Private: true, Path: outside, Format: formatOf(t, "netrc"),
			Entries: own("", "https://a.test", "t0ken").Entries}})
		if err == nil {
			t.Errorf("an own file was written to %s", outside)
		}
	}
	if left := slices.Sorted(maps.Keys(disk(t, s.env.Home))); len(left) == 0 || slices.Contains(left, "/x") {
		t.Errorf("there is %v", left)
	}
	logout(t, s)
}

func TestFilesAreWrittenAsTheyAre(t *testing.T) {
	s := begin(t)
	const content = "line 1\nline 2\n"
	path := filepath.Join(s.Files(), "secrets", "one")
	for _, old := range []string{"an older one", content} {
		must(t, s.Apply(t.Context(), nil, File{path, regpass.NewSecret(old)}))
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 || read(t, path) != content {
		t.Errorf("%v, %v: %q", st, err, read(t, path))
	}
	if err := s.Apply(t.Context(), nil, File{Path: path}); err == nil || read(t, path) != content {
		t.Errorf("an empty secret: %v", err)
	}
	for _, outside := range []string{filepath.Join(s.env.Home, "x"), s.Dir, filepath.Join(s.Files(), "..", "..", "x")} {
		if err := s.Apply(t.Context(), nil, File{outside, regpass.NewSecret(content)}); err == nil {
			t.Errorf("a file was written to %s", outside)
		}
	}
	logout(t, s)
}
