//go:build runners && engines && clients && linux

package e2e

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// runners are what the scripts share.
type runners struct {
	engines *engines
	clients map[string]string // paths, by variable
	vars    map[string]string // paths of the runners, the program and the checkout, by variable
	actions map[string]string // folders, by what workflows call them
}

// runnerPrograms are what the scripts run: variable and path, in the folder that ./check fills and names in
// REGPASS_RUNNERS.
var runnerPrograms = [][2]string{
	{"ACT", "bin/act"},
	{"ACTIONLINT", "bin/actionlint"},
	{"NODE20", "node20"}, // the folder of the program node, as is the next
	{"NODE24", "node24"},
	{"GITLAB_CI_LOCAL", "npm/node_modules/gitlab-ci-local/dist/index.js"},
}

// newRunners finds the programs and packs the action.
func newRunners(t *testing.T) *runners {
	t.Helper()
	folder := os.Getenv("REGPASS_RUNNERS")
	if folder == "" {
		t.Fatal("REGPASS_RUNNERS does not say where the runners are; ./check makes that folder and sets it")
	}
	r := &runners{engines: newEngines(t), clients: clientPaths(t), vars: map[string]string{}}
	root, err := filepath.Abs(checkout)
	if err != nil {
		t.Fatal(err)
	}
	r.vars["CHECKOUT"] = root
	r.actions = map[string]string{
		"regpass/regpass": r.engines.path("action"),
		"regpass/witness": filepath.Join(root, "testdata/runners/witness"),
		"regpass/peer":    filepath.Join(root, "tools/ci/peer"),
	}
	for _, p := range runnerPrograms {
		path := filepath.Join(folder, p[1])
		if _, err := os.Stat(path); err != nil {
			t.Errorf("a runner is missing; ./check installs it: %v", err)
		}
		r.vars[p[0]] = path
	}
	if t.Failed() {
		t.FailNow()
	}
	if err := r.pack(); err != nil {
		t.Fatal(err)
	}
	return r
}

// packed is what a runner downloads of an action, but for the checksums.
var packed = []string{"action.yml", "action/*.mjs"}

// pack copies the action of this checkout to a folder of its own, as the action of a release: it knows the checksum of
// the program, which is the test's own.
func (r *runners) pack() error {
	for _, pattern := range packed {
		files, err := filepath.Glob(filepath.Join(checkout, pattern))
		if err != nil || len(files) == 0 {
			return fmt.Errorf("%s: %w", pattern, errors.Join(err, fs.ErrNotExist))
		}
		for _, path := range files {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			to := r.engines.path("action", strings.TrimPrefix(path, checkout+"/"))
			if err := writePrivate(to, string(content)); err != nil {
				return err
			}
		}
	}
	program := os.Getenv("REGPASS_BINARY") // ./bench measures the one that a release would hold
	if program == "" {
		var err error
		if program, err = find("regpass", os.Getenv("PATH")); err != nil {
			return err
		}
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	r.vars["BINARY"] = program
	checksums, err := json.Marshal(map[string]any{"version": packedAs,
		"assets": map[string]string{runtime.GOOS + "-" + runtime.GOARCH: fmt.Sprintf("%x", sha256.Sum256(content))}})
	if err != nil {
		return err
	}
	return writePrivate(r.engines.path("action", "action/checksums.json"), string(checksums))
}

// packedAs is the version that the packed action belongs to.
const packedAs = "v0.0.0-runners"

// nodeArch is how node calls this machine's processor.
var nodeArch = map[string]string{"amd64": "x64", "arm64": "arm64"}

// keep puts the program where the action keeps its release, below a runner's folder of tools.
func (r *runners) keep(tools string) error {
	folder := filepath.Join(tools, "regpass", strings.TrimPrefix(packedAs, "v"), nodeArch[runtime.GOARCH])
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return os.Symlink(r.vars["BINARY"], filepath.Join(folder, "regpass"))
}

// setup gives a script what setup does, the engines, the clients and the runners. What a job of its workflows leaves
// is copied to the folder left by the action regpass/witness, whose post step is the last of a job if it is the first.
func (r *runners) setup(e *testscript.Env) error {
	if err := r.engines.setup(e); err != nil {
		return err
	}
	if err := setupClients(e, r.clients); err != nil {
		return err
	}
	for name, value := range r.vars {
		e.Setenv(name, value)
	}
	in := func(name string) string { return filepath.Join(e.WorkDir, name) }
	if err := writePrivate(in("home/.actrc"), actrc(in("runner"), r.actions)); err != nil {
		return err
	}
	// The clients by the names that workflows use.
	if err := os.Mkdir(in("bin"), 0o700); err != nil {
		return err
	}
	if err := os.Symlink(r.clients["UV_NEW"], in("bin/uv")); err != nil {
		return err
	}
	if err := os.WriteFile(in("bin/pip"), []byte("#!/bin/sh\nexec "+r.clients["PIP"]+" \"$@\"\n"), 0o700); err != nil {
		return err
	}
	if err := r.keep(in("runner/tool_cache")); err != nil {
		return err
	}
	for name, value := range map[string]string{
		"PATH": strings.Join([]string{in("bin"), r.vars["NODE24"], e.Getenv("PATH")}, string(os.PathListSeparator)),
		"LEFT": in("left"), "ACTION": r.engines.path("action"), "ACT_DISABLE_VERSION_CHECK": "1",
	} {
		e.Setenv(name, value)
	}
	return nil
}

// find returns the path of a program in one of the folders.
func find(name, folders string) (string, error) {
	for _, folder := range filepath.SplitList(folders) {
		if path, err := exec.LookPath(filepath.Join(folder, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: %w", name, exec.ErrNotFound)
}

// actrc are the flags of act (https://nektosact.com/usage/index.html#configuration-file): jobs run on this machine
// without containers, and take actions from these folders. They are jobs of the repository that fake.GitHub speaks of.
func actrc(cache string, actions map[string]string) string {
	flags := []string{
		"-P ubuntu-latest=-self-hosted", "--no-cache-server", "--rm", "--action-cache-path " + cache,
		"--env GITHUB_REPOSITORY=acme/app", "--env GITHUB_REF=refs/heads/main",
		"--env SHA_REF=10b9a3f1c6e2d4857f0a9b8c7d6e5f4a3b2c1d0e",
		"--var INDEX", "--var BAD", "--var PYBASE", "--var BINARY",
	}
	for name, folder := range actions {
		flags = append(flags, "--local-repository "+name+"@v1="+folder)
	}
	return strings.Join(flags, "\n") + "\n"
}
