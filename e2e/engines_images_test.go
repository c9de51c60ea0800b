//go:build engines && linux

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/regpass/regpass/internal/loopback"
)

// imageEnv is what Python images are told: this is no place for a virtual environment or for questions.
var imageEnv = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "UV_SYSTEM_PYTHON=1", "UV_NO_PROGRESS=1",
	"PIP_NO_INPUT=1", "PIP_PROGRESS_BAR=off", "PIP_ROOT_USER_ACTION=ignore", "PIP_DISABLE_PIP_VERSION_CHECK=1"}

// serveImages makes the base images of what this machine has, so that no script needs a registry elsewhere, and serves
// them to anybody: BASE is busybox; PYBASE is that with Python and, as commands, `uv`, `uv-0.12.5`, `pip` and
// `rattler CHANNEL PACKAGE PREFIX`.
func (e *engines) serveImages(ctx context.Context) error {
	var open loopback.Servers
	e.t.Cleanup(func() { _ = open.Stop() })
	at, err := open.Start(ctx, emptyRegistry())
	if err != nil {
		return err
	}
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: runtime.GOOS, Architecture: runtime.GOARCH,
		Config: v1.Config{Env: imageEnv}})
	if err != nil {
		return err
	}
	image = mutate.ConfigMediaType(mutate.MediaType(image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for _, add := range []struct {
		variable, name string
		fill           func(*layer) error
	}{
		{"BASE", "busybox:1", busybox},
		{"PYBASE", "python:3", func(l *layer) error { return python(l, e.clients) }},
	} {
		l := newLayer()
		if err := errors.Join(add.fill(l), l.tar.Close()); err != nil {
			return fmt.Errorf("%s: %w", add.name, err)
		}
		image, err = mutate.AppendLayers(image, static.NewLayer(l.content.Bytes(), types.OCIUncompressedLayer))
		if err != nil {
			return err
		}
		reference := strings.TrimPrefix(at, "http://") + "/" + add.name
		tag, err := name.NewTag(reference)
		if err != nil {
			return err
		}
		if err := remote.Write(tag, image, remote.WithContext(ctx)); err != nil {
			return err
		}
		e.vars[add.variable] = reference
	}
	return nil
}

// busybox is a system of one program.
func busybox(l *layer) error {
	if err := l.copy("/bin/busybox", "/bin/busybox"); err != nil {
		return err
	}
	applets, err := exec.Command("/bin/busybox", "--list").Output()
	if err != nil {
		return err
	}
	for name := range strings.FieldsSeq(string(applets)) {
		if name != "busybox" {
			l.link("/bin/"+name, "busybox")
		}
	}
	l.file("/etc/passwd", 0o644, "root:x:0:0:root:/root:/bin/sh\n")
	l.file("/etc/group", 0o644, "root:x:0:\n")
	l.folder("/root", 0o700)
	l.folder("/tmp", 0o1777)
	return l.err
}

// python is the machine's own, and the clients that ./check installed, where they need no other file of the machine.
func python(l *layer, clients string) error {
	program, err := filepath.EvalSymlinks("/usr/bin/python3")
	if err != nil {
		return err
	}
	library := "/usr/lib/" + filepath.Base(program)
	for _, c := range [][2]string{
		{program, program}, {library, library},
		{clients + "/uv/bin/uv", "/usr/local/bin/uv"}, {clients + "/uv-0.12.5/bin/uv", "/usr/local/bin/uv-0.12.5"},
		{clients + "/pip", "/opt/pip"}, {clients + "/rattler", "/opt/rattler"},
		{testdata("clients/rattler.py"), "/opt/rattler/rattler.py"},
		{"/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/ca-certificates.crt"}, // without any, rattler makes no client
	} {
		if err := l.copy(c[0], c[1]); err != nil {
			return err
		}
	}
	l.link("/usr/bin/python3", program)
	// The commands that a virtual environment has name the folder that it was made in.
	l.file("/usr/local/bin/pip", 0o755, "#!/bin/sh\nexec /opt/pip/bin/python -m pip \"$@\"\n")
	l.file("/usr/local/bin/rattler", 0o755, "#!/bin/sh\nexec /opt/rattler/bin/python /opt/rattler/rattler.py \"$@\"\n")
	return l.libraries()
}

// lddLine is what ldd says of a library that it found.
var lddLine = regexp.MustCompile(`(?m)(?:=> |^\t)(/\S+) \(0x`)

// libraries adds what the programs and libraries in the layer need, and the program that loads them.
func (l *layer) libraries() error {
	out, err := exec.Command("ldd", l.programs...).CombinedOutput()
	// One that is linked statically ends it with 1.
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return err
	}
	if bytes.Contains(out, []byte("not found")) {
		return fmt.Errorf("ldd: a library is missing:\n%s", out)
	}
	var paths []string
	for _, match := range lddLine.FindAllSubmatch(out, -1) {
		paths = append(paths, string(match[1]))
	}
	slices.Sort(paths)
	for _, path := range slices.Compact(paths) {
		if err := l.copy(path, path); err != nil {
			return err
		}
	}
	return l.err
}
