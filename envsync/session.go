package envsync

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/regpass/regpass"
)

// Session is the private folder of one CI job or one login: the credentials minted in it, so that a single-use CI
// token is traded once, and the journal of what was written, so that it can be undone by a later process.
//
//	state.json    credentials and journal; replaced whole by rename, so readers need no lock
//	lock          held while state.json or a file named in it changes
//	mint-*.lock   held while one credential is minted
//	undo-*        what changed files held before
//	files/        our own files: netrc, rattler.json, uv/
//	exec-*/       a session of its own for each running `exec`
type Session struct {
	Dir string
	env *regpass.Env
}

// job tells one job from another on the same machine, and where a CI keeps a job's temporary files.
type job struct {
	here string   // the variable that the CI sets in its jobs
	temp string   // the variable that names the job's own temporary folder, or ""
	add  string   // what to add to that name
	ids  []string // the variables that together name the job
}

var jobs = []job{
	{"GITHUB_ACTIONS", "RUNNER_TEMP", "", []string{"GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB", "RUNNER_NAME"}},
	{"GITLAB_CI", "CI_PROJECT_DIR", ".tmp", []string{"CI_SERVER_URL", "CI_JOB_ID"}}, // the runner's own folder beside the checkout
	{"BUILDKITE", "", "", []string{"BUILDKITE_JOB_ID"}},
	{"CIRCLECI", "", "", []string{"CIRCLE_WORKFLOW_JOB_ID", "CIRCLE_NODE_INDEX"}},
	{"TF_BUILD", "AGENT_TEMPDIRECTORY", "", []string{"SYSTEM_COLLECTIONURI", "BUILD_BUILDID", "SYSTEM_JOBID"}},
	{"JENKINS_URL", "WORKSPACE_TMP", "", []string{"BUILD_TAG", "EXECUTOR_NUMBER"}},
}

// Where names the session's folder: REGPASS_SESSION_DIR, else one for this job in the CI's temporary folder, else
// $XDG_RUNTIME_DIR/regpass, else the user's cache. Nothing is created.
func Where(env *regpass.Env) (string, error) {
	if dir := env.Getenv("REGPASS_SESSION_DIR"); dir != "" {
		return filepath.Abs(dir)
	}
	for _, j := range jobs {
		if env.Getenv(j.here) == "" {
			continue
		}
		id := sha256.New()
		for _, name := range append([]string{j.here}, j.ids...) {
			fmt.Fprintf(id, "%q", env.Getenv(name))
		}
		base := env.TempDir
		if t := env.Getenv(j.temp); j.temp != "" && t != "" {
			if st, err := os.Stat(t + j.add); err == nil && st.IsDir() {
				base = t + j.add
			}
		}
		return filepath.Join(base, "regpass-"+hex.EncodeToString(id.Sum(nil)[:8])), nil
	}
	if dir := env.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "regpass"), nil
	}
	cache := env.Getenv("XDG_CACHE_HOME")
	switch {
	case filepath.IsAbs(cache):
	case runtime.GOOS == "windows":
		cache = env.Getenv("LocalAppData")
	case env.Home == "":
		cache = ""
	case runtime.GOOS == "darwin":
		cache = filepath.Join(env.Home, "Library", "Caches")
	default:
		cache = filepath.Join(env.Home, ".cache")
	}
	if cache == "" {
		return "", regpass.Hintf(errors.New("session: there is no home folder to keep credentials in"), "set REGPASS_SESSION_DIR to a private folder")
	}
	return filepath.Join(cache, "regpass"), nil
}

// Open makes the session's folder, or takes the one that is there if it is ours and private.
func Open(env *regpass.Env, dir string) (*Session, error) {
	err := os.MkdirAll(filepath.Dir(dir), 0o700)
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, regpass.Hintf(fmt.Errorf("session: make its folder: %w", err), "set REGPASS_SESSION_DIR to a private folder that can be written")
	}
	return Existing(env, dir)
}

// Existing takes the session in dir. It is an error wrapping fs.ErrNotExist if there is none, and one if the folder
// could have been put there or read by somebody else.
func Existing(env *regpass.Env, dir string) (*Session, error) {
	st, err := os.Lstat(dir)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	why := ""
	switch {
	case !st.IsDir():
		why = "is not a folder"
	case !ownedByUs(st):
		why = "belongs to somebody else"
	case runtime.GOOS != "windows" && st.Mode().Perm()&0o077 != 0:
		why = fmt.Sprintf("is open to others (mode %04o)", st.Mode().Perm())
	default:
		return &Session{Dir: dir, env: env}, nil
	}
	return nil, regpass.Hintf(fmt.Errorf("session: %s %s", dir, why), "remove it, or set REGPASS_SESSION_DIR to a private folder")
}

// Files is the folder for our own files.
func (s *Session) Files() string { return filepath.Join(s.Dir, "files") }

const subPrefix = "exec-"

// Sub makes a session inside this one, for one running command. Whoever made it holds its lock until it is undone,
// so that Sweep can tell it from one whose process was killed.
func (s *Session) Sub() (*Session, func(), error) {
	name := make([]byte, 8)
	_, _ = rand.Read(name)
	sub, err := Open(s.env, filepath.Join(s.Dir, subPrefix+hex.EncodeToString(name)))
	if err != nil {
		return nil, nil, err
	}
	alive, err := tryLock(filepath.Join(sub.Dir, aliveName))
	if err != nil {
		return nil, nil, err
	}
	return sub, alive, nil
}

const aliveName = "alive"

// Orphans lists the sessions inside this one whose process is gone.
func (s *Session) Orphans() []*Session {
	found, _ := filepath.Glob(filepath.Join(s.Dir, subPrefix+"*"))
	var gone []*Session
	for _, dir := range found {
		unlock, err := tryLock(filepath.Join(dir, aliveName))
		if err != nil {
			continue
		}
		unlock()
		if sub, err := Existing(s.env, dir); err == nil {
			gone = append(gone, sub)
		}
	}
	return gone
}

// private reports why path must not be written to in place, or nil: it must be a plain file of ours or not exist.
func private(path string) (fs.FileInfo, error) {
	st, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	switch {
	case st.Mode()&fs.ModeSymlink != 0:
		to, _ := os.Readlink(path)
		return nil, regpass.Hintf(fmt.Errorf("%s is a symbolic link", path), "a credential written through a link may end in a shared or versioned folder; name the file itself (%s) if that is meant", to)
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a plain file", path)
	case !ownedByUs(st):
		return nil, regpass.Hintf(fmt.Errorf("%s belongs to somebody else", path), "use the default, a private file and a variable that points at it")
	}
	return st, nil
}

// keyOf makes a file name of any text.
func keyOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:8])
}
