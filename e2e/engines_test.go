//go:build engines && linux

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// enginePrograms are what the scripts build with: variable, name, and path, which is in the folder that ./check fills
// and names in REGPASS_ENGINES, or the system's own. Scripts find all of them by name too, before any other of that
// name.
var enginePrograms = [][3]string{
	{"BUILDKITD", "buildkitd", "bin/buildkitd"},
	{"BUILDCTL", "buildctl", "bin/buildctl"},
	{"BUILDX", "buildx", "bin/buildx"},
	{"DOCKERD", "dockerd", "/usr/sbin/dockerd"},
	{"DOCKER", "docker", "/usr/bin/docker"},
	{"PODMAN", "podman", "/usr/bin/podman"},
	{"BUILDAH", "buildah", "/usr/bin/buildah"},
	{"RUNC", "runc", "/usr/sbin/runc"},
	{"GIT", "git", "/usr/bin/git"},
}

// TestEngines runs the scripts in testdata/engines, which run with real container builders. One BuildKit serves
// all of them, as shared builders do; what a script pushes, and what podman and buildah store, is its own.
func TestEngines(t *testing.T) {
	e := newEngines(t)
	if err := e.startBuildKit(t.Context()); err != nil {
		t.Fatal(err)
	}
	runScripts(t, "engines", e.setup, engineCommands, flowCommands, golangCommands)
}

// engines are the daemons, programs and base images that the scripts share.
type engines struct {
	t       *testing.T
	dir     string            // of all daemons; short, for a socket's path has at most 107 bytes (unix(7))
	folder  string            // where ./check put the engines
	clients string            // where ./check put the package clients
	vars    map[string]string // the programs' paths and the images' references
	docker  func() error      // starts dockerd, once
}

type enginesKey struct{}

// newEngines finds the programs and makes the folder, which is gone after the test.
func newEngines(t *testing.T) *engines {
	t.Helper()
	folder, clients := os.Getenv("REGPASS_ENGINES"), os.Getenv("REGPASS_CLIENTS")
	if folder == "" || clients == "" {
		t.Fatal("REGPASS_ENGINES and REGPASS_CLIENTS do not say where the engines and the clients are; " +
			"./check makes both and sets them")
	}
	if os.Geteuid() != 0 {
		t.Fatal("only root can run the engines")
	}
	dir, err := os.MkdirTemp("", "engines")
	if err != nil {
		t.Fatal(err)
	}
	e := &engines{t: t, dir: dir, folder: folder, clients: clients, vars: map[string]string{}}
	t.Cleanup(func() {
		if err := removeMounted(dir); err != nil {
			t.Errorf("what the engines left: %v", err)
		}
	})
	for _, name := range []string{"bin", "tmp"} {
		if err := os.Mkdir(e.path(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(e.path("buildkitd.toml"), nil, 0o600); err != nil { // instead of the machine's own
		t.Fatal(err)
	}
	for _, p := range enginePrograms {
		path := p[2]
		if !filepath.IsAbs(path) {
			path = filepath.Join(folder, path)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("an engine is missing; ./check installs it: %v", err)
			continue
		}
		if err := os.Symlink(path, e.path("bin", p[1])); err != nil {
			t.Error(err)
		}
		e.vars[p[0]] = e.path("bin", p[1])
	}
	if t.Failed() {
		t.FailNow()
	}
	e.docker = sync.OnceValue(func() error {
		runtime := e.path("bin", "modest-runc")
		if err := os.WriteFile(runtime, []byte(modestRunc), 0o700); err != nil {
			return err
		}
		return e.start("API listen on", "dockerd", "--config-file", "", "--host", "unix://"+e.path("docker.sock"),
			"--data-root", e.path("docker"), "--exec-root", e.path("docker-run"), "--pidfile", e.path("docker.pid"),
			"--iptables=false", "--ip6tables=false", "--bridge=none",
			"--add-runtime", "modest="+runtime, "--default-runtime", "modest")
	})
	return e
}

// startBuildKit starts it until the test ends, and serves the base images.
func (e *engines) startBuildKit(ctx context.Context) error {
	err := e.start("running server on", "buildkitd", "--config", e.path("buildkitd.toml"), "--root", e.path("buildkit"),
		"--addr", e.buildkit(), "--otel-socket-path", e.path("otel.sock"), "--allow-insecure-entitlement", "network.host",
		"--oci-worker=true", "--containerd-worker=false", "--oci-worker-net=host", "--oci-worker-gc=false")
	if err != nil {
		return err
	}
	return e.serveImages(ctx)
}

func (e *engines) path(parts ...string) string {
	return filepath.Join(append([]string{e.dir}, parts...)...)
}

// buildkit is the address of BuildKit.
func (e *engines) buildkit() string { return "unix://" + e.path("buildkit.sock") }
