package session

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
)

// Dir is the path of the session's folder, the first that applies of: REGPASS_SESSION_DIR, a folder for this job in the
// CI's temporary folder, and a folder in the user's state, so that a login outlives a restart of the machine. Dir
// creates nothing.
func Dir(env *regpass.Env) (string, error) {
	if dir := env.Getenv("REGPASS_SESSION_DIR"); dir != "" {
		return env.Abs(dir), nil
	}
	for _, s := range ci.Systems {
		if s.HasJobs() && env.Getenv(s.Flag.Var) != "" { // with any value: a job must never get a user's folder
			return jobFolder(env, s), nil
		}
	}
	dir, err := userFolder(env, "regpass")
	return dir, regpass.Hintf(err, "set REGPASS_SESSION_DIR to a private folder")
}

// Installed is the path of the folder of the session that keeps what an installed helper changed. It outlives every job
// and every login.
func Installed(env *regpass.Env, helper string) (string, error) {
	dir, err := userFolder(env, "regpass-helpers")
	return filepath.Join(dir, helper), regpass.Hintf(err, "set HOME")
}

// userFolder is the path of a folder in the user's state, which survives a restart and which nobody cleans up, unlike a
// cache (https://specifications.freedesktop.org/basedir-spec/latest/).
func userFolder(env *regpass.Env, name string) (string, error) {
	state := env.Getenv("XDG_STATE_HOME")
	switch {
	case filepath.IsAbs(state):
	case runtime.GOOS == "windows":
		state = env.Getenv("LocalAppData")
	case !filepath.IsAbs(env.Home): // a relative one would lie in the checkout
		state = ""
	case runtime.GOOS == "darwin": // regpass.toml lies in the folder regpass there
		state, name = filepath.Join(env.Home, "Library", "Application Support"), name+"-state"
	default:
		state = filepath.Join(env.Home, ".local", "state")
	}
	if state == "" {
		return "", errors.New("session: there is no home folder to keep credentials in")
	}
	return filepath.Join(state, name), nil
}

// jobFolder is the path of a job's session. Its name depends on everything that tells the job from others, since the
// folder above it may be shared.
func jobFolder(env *regpass.Env, s ci.System) string {
	id := sha256.New()
	for _, name := range append([]string{s.Flag.Var}, s.Job.IDs...) {
		fmt.Fprintf(id, "%s=%q\n", name, env.Getenv(name))
	}
	base := env.TempDir
	if temp := env.Getenv(s.Job.Temp); temp != "" && s.Job.Temp != "" {
		if st, err := os.Stat(temp + s.Job.Suffix); err == nil && st.IsDir() {
			base = env.Abs(temp + s.Job.Suffix)
		}
	}
	return filepath.Join(base, "regpass-"+hex.EncodeToString(id.Sum(nil)[:8]))
}
