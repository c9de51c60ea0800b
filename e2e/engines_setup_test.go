//go:build engines && linux

package e2e

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"
)

// setup gives a script what setup does, the engines, settings for them, a registry of its own that lets nobody in
// without a password, and with IMAGES a folder for big files, outside of its work folder, which is searched at the end.
func (e *engines) setup(env *testscript.Env) error {
	if err := setup(env); err != nil {
		return err
	}
	env.Values[enginesKey{}] = e
	pushed := &writes{}
	env.Values[writesKey{}] = pushed
	password := rand.Text()
	at, err := env.Values[fixtureKey{}].(*fixture).servers.Start(context.Background(),
		demandBasic("builder", password, pushed.of(emptyRegistry())))
	if err != nil {
		return err
	}
	host := strings.TrimPrefix(at, "http://")
	images, err := os.MkdirTemp(e.dir, "images")
	if err != nil {
		return err
	}
	env.Defer(func() {
		if err := removeMounted(images); err != nil {
			e.t.Errorf("a script left mounts: %v", err)
		}
	})
	in := func(name string) string { return filepath.Join(env.WorkDir, name) }
	config := containers(filepath.Join(images, ".containers"), host, hostOf(e.vars["BASE"]))
	config[".registry-password"], config[".docker/config.json"] = password+"\n", ownLogins
	for name, content := range config {
		if err := writePrivate(in(name), content); err != nil {
			return err
		}
	}
	if err := os.Mkdir(in(".docker/cli-plugins"), 0o700); err != nil {
		return err
	}
	if err := os.Symlink(e.vars["BUILDX"], in(".docker/cli-plugins/docker-buildx")); err != nil {
		return err
	}
	for name, value := range e.vars {
		env.Setenv(name, value)
	}
	for name, value := range map[string]string{
		"PATH": e.path("bin") + string(os.PathListSeparator) + env.Getenv("PATH"), "NO_COLOR": "1", "IMAGES": images,
		"BUILDKIT_ROOT": e.path("buildkit"), "BUILDKIT_HOST": e.buildkit(), "BUILDKIT_PROGRESS": "plain",
		"DOCKER_CONFIG": in(".docker"), "BUILDX_CONFIG": in(".buildx"),
		"REGISTRY": host, "REGISTRY_USER": "builder", "REGISTRY_PASSWORD_FILE": in(".registry-password"),
		"CONTAINERS_CONF": in(".containers/containers.conf"), "CONTAINERS_STORAGE_CONF": in(".containers/storage.conf"),
		"CONTAINERS_REGISTRIES_CONF": in(".containers/registries.conf"), "REGISTRY_AUTH_FILE": in(".docker/config.json"),
	} {
		env.Setenv(name, value)
	}
	return nil
}

// ownLogins is a configuration of docker that has its logins in it. Without any, docker's programs ask the credential
// helper that is the system's default (docker/cli, config.LoadDefaultConfigFile), if it is installed.
const ownLogins = `{"auths": {"unused.invalid": {}}}` + "\n"

// containers are the settings that make podman and buildah keep all they have below dir and speak HTTP with the
// registries (containers.conf(5), containers-storage.conf(5), containers-registries.conf(5)). The driver vfs would do
// without mounts, but copies the whole image for each step.
func containers(dir string, registries ...string) map[string]string {
	var insecure strings.Builder
	for _, host := range registries {
		fmt.Fprintf(&insecure, "[[registry]]\nlocation = %q\ninsecure = true\n", host)
	}
	return map[string]string{
		".containers/registries.conf": insecure.String(),
		".containers/storage.conf": fmt.Sprintf("[storage]\ndriver = \"overlay\"\ngraphroot = %q\nrunroot = %q\n",
			filepath.Join(dir, "root"), filepath.Join(dir, "run")),
		".containers/containers.conf": fmt.Sprintf("[engine]\nruntime = \"runc\"\ncgroup_manager = \"cgroupfs\"\n"+
			"events_logger = \"file\"\nlock_type = \"file\"\ntmp_dir = %q\n", filepath.Join(dir, "tmp")),
	}
}

// engineCommands are the commands of scripts with container builders.
var engineCommands = scriptCommands{
	"holds-no-token": cmdHoldsNoToken,
	"dead":           cmdDead,
	"not-pushed":     cmdNotPushed,
	"readme-build":   cmdReadmeBuild,
	"readme-output":  cmdReadmeOutput,
	"certificate":    cmdCertificate,
	// dockerd: from here on docker and buildx talk to a Docker daemon. The embedded BuildKit of Debian 12's is of 2021.
	"dockerd": func(ts *testscript.TestScript, neg bool, args []string) {
		e := ts.Value(enginesKey{}).(*engines)
		ts.Check(e.docker())
		ts.Setenv("DOCKER_HOST", "unix://"+e.path("docker.sock"))
	},
	// builder-image: the Docker daemon has the image $BUILDER_IMAGE of a BuildKit.
	"builder-image": func(ts *testscript.TestScript, neg bool, args []string) {
		ts.Check(ts.Value(enginesKey{}).(*engines).loadBuilder())
		ts.Setenv("BUILDER_IMAGE", builderImage)
	},
	// buildkitd-tls FOLDER: another BuildKit is at $BUILDKIT_TLS, which has the certificate in the folder and talks to
	// whoever shows one that the same authority signed.
	"buildkitd-tls": func(ts *testscript.TestScript, neg bool, args []string) {
		at, err := ts.Value(enginesKey{}).(*engines).buildkitTLS(ts.MkAbs(args[0]))
		ts.Check(err)
		ts.Setenv("BUILDKIT_TLS", at)
	},
	// registry-login: does what `docker login $REGISTRY` does, which needs a Docker daemon. podman reads it too.
	"registry-login": func(ts *testscript.TestScript, neg bool, args []string) {
		pair := ts.Getenv("REGISTRY_USER") + ":" + strings.TrimSpace(ts.ReadFile(ts.Getenv("REGISTRY_PASSWORD_FILE")))
		config, err := json.Marshal(map[string]any{"auths": map[string]any{
			ts.Getenv("REGISTRY"): map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte(pair))}}})
		ts.Check(err)
		ts.Check(writePrivate(filepath.Join(ts.Getenv("DOCKER_CONFIG"), "config.json"), string(config)))
	},
}

// emptyRegistry keeps images in memory.
func emptyRegistry() http.Handler {
	return registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true))
}

// demandBasic lets in who knows user and password (RFC 7617).
func demandBasic(user, password string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, ok := r.BasicAuth(); !ok || u != user || p != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// hostOf is the registry of a reference that names it.
func hostOf(reference string) string {
	host, _, _ := strings.Cut(reference, "/")
	return host
}

// writePrivate writes a file that only its owner may read, and the folders above it.
func writePrivate(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o600)
}
