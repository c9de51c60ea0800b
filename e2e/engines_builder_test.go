//go:build engines && linux

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// modestRunc is runc for Docker's privileged containers, which are to have all capabilities there are. One of them is
// taken away from whoever may not change limits, as in most CI jobs that are containers or small virtual machines
// themselves, and runc refuses to give what it has not got. BuildKit does without.
const modestRunc = `#!/bin/sh
for word; do
	case $before in
	--bundle) sed -i 's/"CAP_SYS_RESOURCE",//g' "$word/config.json" ;;
	--process) sed -i 's/"CAP_SYS_RESOURCE",//g' "$word" ;;
	esac
	before=$word
done
exec runc "$@"
`

// builderImage is what the image that a builder's container is made of is called in the Docker daemon. Its host is this
// machine, where nobody listens, so that Docker does not look for it elsewhere.
const builderImage = "127.0.0.1:1/buildkit:local"

// loadBuilder gives the Docker daemon the image of a BuildKit, as moby/buildkit is one: the programs of this machine.
func (e *engines) loadBuilder() error {
	l := newLayer()
	if err := errors.Join(builderFiles(l, e.vars), l.tar.Close()); err != nil {
		return err
	}
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: runtime.GOOS, Architecture: runtime.GOARCH,
		Config: v1.Config{Entrypoint: []string{"buildkitd"}, Env: []string{"PATH=/usr/bin:/bin"}}})
	if err == nil {
		image, err = mutate.AppendLayers(image, static.NewLayer(l.content.Bytes(), types.DockerUncompressedLayer))
	}
	if err != nil {
		return err
	}
	tag, err := name.NewTag(builderImage)
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	if err := tarball.Write(tag, image, &archive); err != nil {
		return err
	}
	load := exec.CommandContext(e.t.Context(), e.vars["DOCKER"], "--host", "unix://"+e.path("docker.sock"), "load")
	load.Stdin = &archive
	if out, err := load.CombinedOutput(); err != nil {
		return fmt.Errorf("docker load: %w:\n%s", err, out)
	}
	return nil
}

// builderFiles is busybox with BuildKit's programs and the runc that they run.
func builderFiles(l *layer, programs map[string]string) error {
	if err := busybox(l); err != nil {
		return err
	}
	for _, name := range []string{"BUILDKITD", "BUILDCTL", "RUNC"} {
		path, err := filepath.EvalSymlinks(programs[name])
		if err != nil {
			return err
		}
		if err := l.copy(path, "/usr/bin/"+filepath.Base(path)); err != nil {
			return err
		}
	}
	return l.libraries()
}

// buildkitTLS starts a BuildKit at a port of this machine, with ca.pem, cert.pem and key.pem in the folder, and returns
// its address.
func (e *engines) buildkitTLS(folder string) (string, error) {
	port, err := freePort()
	if err != nil {
		return "", err
	}
	at := "tcp://127.0.0.1:" + strconv.Itoa(port)
	pem := func(name string) string { return filepath.Join(folder, name+".pem") }
	return at, e.start("running server on", "buildkitd", "--config", e.path("buildkitd.toml"),
		"--root", e.path("buildkit-tls"), "--otel-socket-path", e.path("otel-tls.sock"),
		"--addr", at, "--tlscacert", pem("ca"), "--tlscert", pem("cert"), "--tlskey", pem("key"),
		"--allow-insecure-entitlement", "network.host", "--oci-worker=true", "--containerd-worker=false",
		"--oci-worker-net=host", "--oci-worker-gc=false")
}
