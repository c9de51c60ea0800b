package session

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
	"github.com/regpass/regpass/internal/testenv"
)

// noon is when tests begin.
var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// machineAt is a place with a clock, which tests move.
func machineAt(t *testing.T, now *time.Time) *regpass.Env {
	env := testenv.New(t, nil)
	env.Now = func() time.Time { return *now }
	env.Mask = func(...regpass.Secret) {}
	return env
}

// begin opens a new session.
func begin(t *testing.T) *Session {
	t.Helper()
	now := noon
	env := machineAt(t, &now)
	return reopen(t, &Session{Dir: filepath.Join(env.Home, "run", "regpass"), env: env})
}

// reopen opens a session's folder as another process would.
func reopen(t *testing.T, s *Session) *Session {
	t.Helper()
	again, err := Open(s.env, s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// disk lists all below a folder: names with what they are and hold.
func disk(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		what := st.Mode().String()
		if st.Mode().IsRegular() {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			what += " " + string(content)
		}
		all[strings.TrimPrefix(path, dir)] = what
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// wantSame compares two lists of disk.
func wantSame(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name, what := range want {
		if got[name] != what {
			t.Errorf("%s is now %q, and was %q", name, got[name], what)
		}
	}
	for name, what := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is new: %q", name, what)
		}
	}
}

func wantGone(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there (%v)", path, err)
	}
}

// must fails the test at an error of preparing it.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// makePipe makes a named pipe. It is a command since Go has no call for it on every system.
func makePipe(t *testing.T, path string) {
	t.Helper()
	must(t, exec.Command("mkfifo", path).Run())
}

// giveAway makes path belong to somebody else: as root to another user. Without the right to do that the test can only
// look at what belongs to root already, which is given.
func giveAway(t *testing.T, path, given string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		return given
	}
	must(t, os.Lchown(path, 12345, 12345))
	return path
}

func TestDir(t *testing.T) {
	temp := t.TempDir()
	must(t, os.Mkdir(filepath.Join(temp, "checkout.tmp"), 0o700))
	github := map[string]string{"GITHUB_ACTIONS": "true", "RUNNER_TEMP": temp, "GITHUB_RUN_ID": "1"}
	for _, tt := range []struct {
		name, want string
		vars       map[string]string
	}{
		{"a variable that says it", "/named", map[string]string{"REGPASS_SESSION_DIR": "/named", "GITHUB_ACTIONS": "true"}},
		{"a relative one", "/dir/named", map[string]string{"REGPASS_SESSION_DIR": "named"}},
		{"GitHub", temp + "/regpass-*", github},
		{"GitHub without a temporary folder", "/temp/regpass-*", map[string]string{"GITHUB_ACTIONS": "true"}},
		{"GitHub with one that is not there", "/temp/regpass-*",
			map[string]string{"GITHUB_ACTIONS": "true", "RUNNER_TEMP": "/missing"}},
		{"GitLab", temp + "/checkout.tmp/regpass-*",
			map[string]string{"GITLAB_CI": "true", "CI_PROJECT_DIR": temp + "/checkout"}},
		{"GitLab without the runner's folder", "/temp/regpass-*",
			map[string]string{"GITLAB_CI": "true", "CI_PROJECT_DIR": temp + "/other"}},
		{"Buildkite", "/temp/regpass-*", map[string]string{"BUILDKITE": "true", "TMPDIR": "/elsewhere"}},
		{"CircleCI", "/temp/regpass-*", map[string]string{"CIRCLECI": "true", "CIRCLE_WORKFLOW_JOB_ID": "1"}},
		{"Azure Pipelines", temp + "/regpass-*", map[string]string{"TF_BUILD": "True", "AGENT_TEMPDIRECTORY": temp}},
		{"Bitbucket", "/temp/regpass-*", map[string]string{"BITBUCKET_BUILD_NUMBER": "7", "XDG_STATE_HOME": "/state"}},
		{"Jenkins", temp + "/regpass-*", map[string]string{"JENKINS_URL": "https://jenkins.example/", "WORKSPACE_TMP": temp}},
		{"a user's state, which outlives a restart", "/state/regpass",
			map[string]string{"XDG_RUNTIME_DIR": "/run/user/1", "XDG_STATE_HOME": "/state", "XDG_CACHE_HOME": "/cache"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := testenv.New(t, tt.vars)
			env.Dir, env.TempDir = "/dir", "/temp"
			got, err := Dir(env)
			if ok, _ := filepath.Match(tt.want, got); err != nil || !ok {
				t.Errorf("got %q, %v; want %s", got, err, tt.want)
			}
		})
	}
	home := testenv.New(t, map[string]string{"XDG_STATE_HOME": "state"}) // a relative one is not one
	if got, err := Dir(home); err != nil || !strings.HasPrefix(got, home.Home) {
		t.Errorf("got %q, %v; want a folder in the home", got, err)
	}
	for _, none := range []string{"", "home"} { // a relative one would be a folder of the checkout
		home.Home = none
		_, err := Dir(home)
		testenv.WantError(t, err, "", "no home folder", "REGPASS_SESSION_DIR")
	}
}

func TestJobsShareNoSession(t *testing.T) {
	seen := map[string]string{}
	for _, s := range ci.Systems {
		if !s.HasJobs() {
			continue
		}
		vars := map[string]string{s.Flag.Var: "any value"}
		for _, id := range append([]string{""}, s.Job.IDs...) {
			vars[id] = "2"
			env := testenv.New(t, vars)
			env.TempDir = "/temp"
			dir, err := Dir(env)
			must(t, err)
			if other, twice := seen[dir]; twice {
				t.Errorf("%s and %s %s share %s", other, s.Name, id, dir)
			}
			if !strings.HasPrefix(dir, "/temp/regpass-") {
				t.Errorf("%s: %s is no folder of one job", s.Name, dir)
			}
			seen[dir] = s.Name + " " + id
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, why string
		prepare   func(t *testing.T, dir string) string
	}{
		{"a link to a folder of ours", "is not a folder", func(t *testing.T, dir string) string {
			must(t, os.Mkdir(dir+"-real", 0o700))
			must(t, os.Symlink(dir+"-real", dir))
			return dir
		}},
		{"a dangling link", "is not a folder", func(t *testing.T, dir string) string {
			must(t, os.Symlink(dir+"-nowhere", dir))
			return dir
		}},
		{"a file", "is not a folder", func(t *testing.T, dir string) string {
			must(t, os.WriteFile(dir, nil, 0o600))
			return dir
		}},
		{"a pipe", "is not a folder", func(t *testing.T, dir string) string {
			makePipe(t, dir)
			return dir
		}},
		{"one that the group may read", "is open to others (mode 0740)", func(t *testing.T, dir string) string {
			must(t, os.Mkdir(dir, 0o700))
			must(t, os.Chmod(dir, 0o740))
			return dir
		}},
		{"one that all may enter", "is open to others (mode 0701)", func(t *testing.T, dir string) string {
			must(t, os.Mkdir(dir, 0o700))
			must(t, os.Chmod(dir, 0o701))
			return dir
		}},
		{"somebody else's", "belongs to another user", func(t *testing.T, dir string) string {
			must(t, os.Mkdir(dir, 0o700))
			return giveAway(t, dir, "/")
		}},
		{"a home folder", "holds other files", func(t *testing.T, dir string) string {
			must(t, os.Mkdir(dir, 0o700))
			must(t, os.WriteFile(filepath.Join(dir, "files"), []byte("mine"), 0o600))
			return dir
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := noon
			env := machineAt(t, &now)
			dir := tt.prepare(t, filepath.Join(env.Home, "regpass"))
			before := disk(t, env.Home)
			_, err := Open(env, dir)
			testenv.WantError(t, err, "", "session: "+dir+" "+tt.why, "REGPASS_SESSION_DIR")
			_, err = openExisting(env, dir, false)
			testenv.WantError(t, err, "", tt.why)
			wantSame(t, disk(t, env.Home), before)
		})
	}
}

func TestOpenTakes(t *testing.T) {
	now := noon
	env := machineAt(t, &now)
	dir := filepath.Join(env.Home, "a", "b")
	if _, err := openExisting(env, dir, false); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a session that is not there: %v", err)
	}
	wantGone(t, filepath.Join(env.Home, "a"))
	for _, how := range []string{"a new one", "one that is there"} {
		s, err := Open(env, dir)
		if err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		if st, err := os.Stat(s.Dir); err != nil || st.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", how, st, err)
		}
	}
	empty := filepath.Join(env.Home, "empty")
	must(t, os.Mkdir(empty, 0o700))
	if _, err := Open(env, empty); err != nil {
		t.Errorf("an empty folder: %v", err)
	}
}

// Who can rename our folder away may put theirs in its place, but gets nothing of what comes after.
func TestSessionStaysInTheFolderThatWasChecked(t *testing.T) {
	for _, theirs := range []string{"", lockName, stateName} {
		s := begin(t)
		must(t, os.Rename(s.Dir, s.Dir+"-away"))
		must(t, os.Mkdir(s.Dir, 0o777))
		if theirs != "" {
			must(t, os.WriteFile(filepath.Join(s.Dir, theirs), []byte("{}"), 0o666))
		}
		before := disk(t, s.Dir)
		err := s.Keep(Lease{Key: "k", Cred: regpass.Credential{Secret: regpass.NewSecret("s3cr3t")}})
		testenv.WantError(t, err, "s3cr3t", "ended by a logout")
		if all, err := s.Leases(); err != nil || len(all) > 0 {
			t.Errorf("their state was read: %v, %v", all, err)
		}
		wantSame(t, disk(t, s.Dir), before)
	}
}
