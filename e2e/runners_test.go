//go:build runners && engines && clients && linux

package e2e

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/regpass/regpass"
)

// TestRunners runs the scripts in testdata/runners, which run with real runners of CI jobs, real package clients
// and real container builders.
func TestRunners(t *testing.T) {
	r := newRunners(t)
	if err := r.engines.startBuildKit(t.Context()); err != nil {
		t.Fatal(err)
	}
	runScripts(t, "runners", r.setup, clientCommands, engineCommands, runnerCommands)
}

// runnerCommands are the commands of scripts with CI runners. In every script the output of a job holds no token, and
// no derived form of one.
var runnerCommands = scriptCommands{
	// act [ARGUMENT…]: runs the workflows of the folder as GitHub does.
	"act": func(ts *testscript.TestScript, neg bool, args []string) {
		runJob(ts, neg, ts.Getenv("ACT"), args...)
	},
	// silent: what the last command printed holds no token either.
	"silent": func(ts *testscript.TestScript, neg bool, args []string) { ts.Check(silent(ts)) },
	// gitlab-job JOB [ARGUMENT…]: runs a job of the folder's .gitlab-ci.yml as GitLab does.
	"gitlab-job": func(ts *testscript.TestScript, neg bool, args []string) {
		// Jobs run on this machine, whatever their image, and are told that this is GitLab; by itself it says that it is not.
		args = append([]string{ts.Getenv("GITLAB_CI_LOCAL"), "--force-shell-executor", "--variable", "GITLAB_CI=true",
			"--ignore-predefined-vars", "GITLAB_CI", "--variable", "INDEX=" + ts.Getenv("INDEX")}, args...)
		runJob(ts, neg, filepath.Join(ts.Getenv("NODE24"), "node"), args...)
	},
}

// runJob starts a runner, which must fail if neg, and searches its log.
func runJob(ts *testscript.TestScript, neg bool, program string, args ...string) {
	err := ts.Exec(program, args...)
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		ts.Fatalf("%v", err)
	}
	ts.Check(silent(ts))
	if neg != (err != nil) {
		ts.Fatalf("the job ended: %v", err)
	}
}

// silent fails if the log of a job holds a secret.
func silent(ts *testscript.TestScript) error {
	log, known := ts.ReadFile("stdout")+ts.ReadFile("stderr"), fixtureOf(ts).minted.known
	for _, name := range []string{"KEY", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"} {
		known.Add(regpass.NewSecret(ts.Getenv(name)))
	}
	for line := range strings.Lines(log) {
		if tokenLike.MatchString(line) {
			return fmt.Errorf("the log of a job holds a token: %s", tokenLike.ReplaceAllString(line, "<TOKEN>"))
		}
	}
	for _, f := range known.Find([]byte(log)) {
		return fmt.Errorf("the log of a job holds the secret %s, %s", f.Fingerprint, f.Form)
	}
	return nil
}
