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
)

// job tells one job from another on the same machine, and where a CI keeps a job's temporary files.
type job struct {
	here string   // the variable that the CI sets in its jobs
	temp string   // the variable that names the job's own temporary folder, or ""
	add  string   // what to add to that name
	ids  []string // the variables that together name the job, hashed: one may be a secret
}

var jobs = []job{
	{"GITHUB_ACTIONS", "RUNNER_TEMP", "", []string{"GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB", "RUNNER_NAME"}},
	// The runner's own folder beside the checkout may lie on a volume that jobs share. Their numbers follow each other: with the
	// job's token a job that came before can't have made the folder.
	{"GITLAB_CI", "CI_PROJECT_DIR", ".tmp", []string{"CI_SERVER_URL", "CI_JOB_ID", "CI_JOB_TOKEN"}},
	{"BUILDKITE", "", "", []string{"BUILDKITE_JOB_ID"}},
	{"CIRCLECI", "", "", []string{"CIRCLE_WORKFLOW_JOB_ID", "CIRCLE_NODE_INDEX"}},
	{"TF_BUILD", "AGENT_TEMPDIRECTORY", "", []string{"SYSTEM_COLLECTIONURI", "BUILD_BUILDID", "SYSTEM_JOBID"}},
	{"BITBUCKET_BUILD_NUMBER", "", "", []string{"BITBUCKET_REPO_UUID", "BITBUCKET_BUILD_NUMBER", "BITBUCKET_STEP_UUID", "BITBUCKET_STEP_RUN_NUMBER"}},
	{"JENKINS_URL", "WORKSPACE_TMP", "", []string{"BUILD_TAG", "EXECUTOR_NUMBER"}},
}

// Where names the session's folder: REGPASS_SESSION_DIR, else one for this job in the CI's temporary folder, else
// $XDG_RUNTIME_DIR/regpass, else the user's cache. Nothing is created.
func Where(env *regpass.Env) (string, error) {
	if dir := env.Getenv("REGPASS_SESSION_DIR"); dir != "" {
		return env.Abs(dir), nil
	}
	for _, j := range jobs {
		if env.Getenv(j.here) != "" {
			return j.folder(env), nil
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

// folder names a job's session by all that tells the job from others, since the folder it lies in may be shared.
func (j job) folder(env *regpass.Env) string {
	id := sha256.New()
	for _, name := range append([]string{j.here}, j.ids...) {
		fmt.Fprintf(id, "%s=%q\n", name, env.Getenv(name))
	}
	base := env.TempDir
	if temp := env.Getenv(j.temp); temp != "" && j.temp != "" {
		if st, err := os.Stat(temp + j.add); err == nil && st.IsDir() {
			base = env.Abs(temp + j.add)
		}
	}
	return filepath.Join(base, "regpass-"+hex.EncodeToString(id.Sum(nil)[:8]))
}
