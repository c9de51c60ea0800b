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
// CI's temporary folder, $XDG_RUNTIME_DIR/regpass, and a folder in the user's cache. Dir creates nothing.
func Dir(env *regpass.Env) (string, error) {
	if dir := env.Getenv("REGPASS_SESSION_DIR"); dir != "" {
		return env.Abs(dir), nil
	}
	for _, s := range ci.Systems {
		if s.HasJobs() && env.Getenv(s.Flag.Var) != "" { // with any value: a job must never get a user's folder
			return jobFolder(env, s), nil
		}
	}
	if dir := env.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "regpass"), nil
	}
	cache := env.Getenv("XDG_CACHE_HOME")
	switch {
	case filepath.IsAbs(cache):
	case runtime.GOOS == "windows":
		cache = env.Getenv("LocalAppData")
	case !filepath.IsAbs(env.Home): // a relative one would lie in the checkout
		cache = ""
	case runtime.GOOS == "darwin":
		cache = filepath.Join(env.Home, "Library", "Caches")
	default:
		cache = filepath.Join(env.Home, ".cache")
	}
	if cache == "" {
		err := errors.New("session: there is no home folder to keep credentials in")
		return "", regpass.Hintf(err, "set REGPASS_SESSION_DIR to a private folder")
	}
	return filepath.Join(cache, "regpass"), nil
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
