//go:build engines && linux

package e2e

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/compression"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/rogpeppe/go-internal/testscript"
)

// golangCommands stand in for what Dockerfiles find on Docker Hub and at the proxy of Go's modules.
var golangCommands = scriptCommands{
	// golang-image: GOLANG is BASE with this machine's Go and CA certificates, which gets modules from those that this
	// machine has, with --network host. It comes with the compiled dependencies of the program, as the builder of a
	// project that builds often has them in its cache.
	"golang-image": func(ts *testscript.TestScript, neg bool, args []string) {
		out, err := exec.Command("go", "env", "-json", "GOROOT", "GOMODCACHE").Output()
		ts.Check(err)
		var env struct{ GOROOT, GOMODCACHE string }
		ts.Check(json.Unmarshal(out, &env))
		modules, err := fixtureOf(ts).servers.Start(context.Background(),
			http.FileServer(http.Dir(filepath.Join(env.GOMODCACHE, "cache", "download"))))
		ts.Check(err)
		caches := filepath.Join(ts.Value(enginesKey{}).(*engines).folder, "caches")
		compiled, err := compile(sources(ts), caches)
		ts.Check(err)
		l := newLayer()
		ts.Check(golang(l, env.GOROOT))
		base, err := name.NewTag(ts.Getenv("BASE"))
		ts.Check(err)
		image, err := remote.Image(base)
		ts.Check(err)
		image, err = mutate.AppendLayers(image, static.NewLayer(l.content.Bytes(), types.OCIUncompressedLayer), compiled)
		ts.Check(err)
		image, err = mutate.Config(image, v1.Config{Env: []string{"PATH=/usr/local/go/bin:/bin", "GOPATH=/go",
			"GOTOOLCHAIN=local", "GOCACHE=/gocache",
			"GOPROXY=" + modules, "GOSUMDB=off", // go.sum has the sums
			"GOFLAGS=-p=1"}}) // other scripts run beside this one
		ts.Check(err)
		tag := base.Context().Registry.Repo("golang").Tag("1")
		ts.Check(remote.Write(tag, image))
		ts.Setenv("GOLANG", tag.Name())
		ts.Setenv("SOURCES", sources(ts))
	},
	// image-pulled REFERENCE PLATFORM FOLDER: puts the image's files into the folder, below $IMAGES, and its configuration
	// into config.json in the work folder.
	"image-pulled": func(ts *testscript.TestScript, neg bool, args []string) {
		ref, err := name.ParseReference(args[0], name.Insecure)
		ts.Check(err)
		platform, err := v1.ParsePlatform(args[1])
		ts.Check(err)
		password := strings.TrimSpace(ts.ReadFile(ts.Getenv("REGISTRY_PASSWORD_FILE")))
		image, err := remote.Image(ref, remote.WithPlatform(*platform),
			remote.WithAuth(&authn.Basic{Username: ts.Getenv("REGISTRY_USER"), Password: password}))
		ts.Check(err)
		config, err := image.ConfigFile()
		ts.Check(err)
		text, err := json.MarshalIndent(config, "", "  ")
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs("config.json"), text, 0o600))
		ts.Check(os.Mkdir(ts.MkAbs(args[2]), 0o700))
		content := mutate.Extract(image)
		defer content.Close()
		untar := exec.Command("tar", "-x", "-C", ts.MkAbs(args[2]))
		untar.Stdin = content
		out, err := untar.CombinedOutput()
		if err != nil {
			ts.Fatalf("tar: %v: %s", err, out)
		}
	},
	// released VERSION PLATFORM PROGRAM: the program is the one that a release of that version has, byte for byte.
	"released": func(ts *testscript.TestScript, neg bool, args []string) {
		to := filepath.Join(ts.Getenv("IMAGES"), "release-"+path.Base(args[1]))
		run := exec.Command("go", "run", ".", "-to", to, "-only", args[1], args[0])
		run.Dir = filepath.Join(sources(ts), "tools", "release")
		run.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=0")
		if out, err := run.CombinedOutput(); err != nil {
			ts.Fatalf("release: %v: %s", err, out)
		}
		file := "regpass_" + strings.TrimPrefix(args[0], "v") + "_" + strings.ReplaceAll(args[1], "/", "_")
		want, err := os.ReadFile(filepath.Join(to, file))
		ts.Check(err)
		got, err := os.ReadFile(ts.MkAbs(args[2]))
		ts.Check(err)
		if !bytes.Equal(got, want) {
			ts.Fatalf("%s is not the program of the release: %d bytes, not %d", args[2], len(got), len(want))
		}
	},
}

// compile returns a layer with /gocache, Go's cache with the compiled packages of the program for the platforms of its
// image. It keeps the cache in the folder.
func compile(sources, folder string) (v1.Layer, error) {
	for _, arch := range []string{"amd64", "arm64"} {
		build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", os.DevNull, "./cmd/regpass")
		build.Dir = sources
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOAMD64=v1", "GOARM64=v8.0",
			"GOCACHE="+filepath.Join(folder, "gocache"))
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("compile for %s: %w:\n%s", arch, err, out)
		}
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { // too large to be held in memory
		read, write := io.Pipe()
		go func() {
			archive := tar.NewWriter(write)
			write.CloseWithError(errors.Join(archive.AddFS(os.DirFS(folder)), archive.Close()))
		}()
		return read, nil
	}, tarball.WithCompression(compression.ZStd), tarball.WithMediaType(types.OCILayerZStd))
}

// sources is the root of the checkout.
func sources(ts *testscript.TestScript) string {
	dir, err := filepath.Abs(checkout)
	ts.Check(err)
	return dir
}

// golang is what go needs to build programs without C.
func golang(l *layer, root string) error {
	for _, part := range []string{"VERSION", "go.env", "bin/go", "pkg/include", "pkg/tool", "src"} {
		if err := l.copy(filepath.Join(root, part), path.Join("/usr/local/go", part)); err != nil {
			return err
		}
	}
	if err := l.copy("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/ca-certificates.crt"); err != nil {
		return err
	}
	return l.err
}
