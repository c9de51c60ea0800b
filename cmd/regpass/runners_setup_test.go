//go:build runners && engines && clients && linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// runners are what the stories share.
type runners struct {
	engines *engines
	clients map[string]string // paths, by variable
	vars    map[string]string // paths of the runners, by variable
}

// packed are the files of the action, as a runner downloads them, and what runs them.
var packed = []string{"action.yml", "action/*.mjs", "action/*.json"}

// pack copies the action of this checkout to a folder of its own.
func (r *runners) pack() error {
	root, err := filepath.Abs("../..")
	if err != nil {
		return err
	}
	for _, pattern := range packed {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return err
		}
		for _, path := range files {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if err := writePrivate(r.engines.path("action", strings.TrimPrefix(path, root)), string(content)); err != nil {
				return err
			}
		}
	}
	return nil
}

// setup gives a script what setup does, the engines, the clients and the runners. What a job of its workflows leaves
// is copied to the folder left by the action regpass/witness, whose post step is the last of a job if it is the first.
func (r *runners) setup(e *testscript.Env) error {
	if err := r.engines.setup(e); err != nil {
		return err
	}
	if err := offline(e, r.clients); err != nil {
		return err
	}
	for name, value := range r.vars {
		e.Setenv(name, value)
	}
	witness, err := filepath.Abs("testdata/runners/witness")
	if err != nil {
		return err
	}
	in := func(name string) string { return filepath.Join(e.WorkDir, name) }
	if err := writePrivate(in("home/.actrc"), actrc(r.engines.path("action"), witness, in("runner"))); err != nil {
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
	binary, err := find("regpass", e.Getenv("PATH"))
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"BINARY": binary, "PATH": strings.Join([]string{in("bin"), r.vars["NODE24"], e.Getenv("PATH")}, string(os.PathListSeparator)),
		"LEFT": in("left"), "ACT_DISABLE_VERSION_CHECK": "1",
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
func actrc(action, witness, cache string) string {
	var lines strings.Builder
	for _, flag := range []string{
		"-P ubuntu-latest=-self-hosted", "--no-cache-server", "--rm",
		"--action-cache-path " + cache,
		"--local-repository regpass/regpass@v1=" + action, "--local-repository regpass/witness@v1=" + witness,
		"--env GITHUB_REPOSITORY=acme/app", "--env GITHUB_REF=refs/heads/main", "--env SHA_REF=10b9a3f1c6e2d4857f0a9b8c7d6e5f4a3b2c1d0e",
		"--var INDEX", "--var CHANNEL", "--var SERVICE", "--var PYBASE", "--var BINARY",
	} {
		fmt.Fprintln(&lines, flag)
	}
	return lines.String()
}
