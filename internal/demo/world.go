package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/internal/loopback"
	"github.com/regpass/regpass/internal/sample"
	"github.com/regpass/regpass/sts"
)

// The demonstration's package, and the workspace of the service that has it.
const (
	packageName    = "regpass-demo"
	packageVersion = "1.0"
	workspace      = "acme"
)

// tokenStart is how every token of the service begins: the base64 of a JSON object (RFC 7519, section 3.1).
const tokenStart = "eyJ"

// world is where the demonstration plays.
type world struct {
	dir     string
	run     func(ctx context.Context, env *regpass.Env, args []string) int // the program
	service *sts.Service
	servers loopback.Servers
	url     string // of the token service
	index   string // URL of its Python index
	channel string // URL of its conda channel
	job     *regpass.Env
	notes   *bytes.Buffer    // standard error of the job's regpass
	audit   *loopback.Buffer // the service's
}

// start makes the packages in w.dir and starts the CI system and the service. The caller calls stop, after an error too.
func (w *world) start(ctx context.Context, env *regpass.Env) error {
	wheels, channel := filepath.Join(w.dir, "wheels"), filepath.Join(w.dir, "channel")
	if err := makePackages(wheels, channel); err != nil {
		return err
	}
	issuer, err := fake.NewIssuer("ES256")
	if err != nil {
		return err
	}
	ci := fake.NewGitHub(issuer)
	if issuer.URL, err = w.servers.Start(ctx, ci); err != nil {
		return err
	}
	late := &loopback.Handler{}
	if w.url, err = w.servers.Start(ctx, late); err != nil {
		return err
	}
	w.service, err = sts.New(ctx, sts.Config{
		PublicURL: w.url,
		Trust: []sts.Trust{{
			Issuer:    issuer.URL,
			Claims:    map[string]string{"repository": workspace + "/app", "ref": "refs/heads/main"},
			Workspace: workspace, Permission: sts.Read,
		}},
		Indexes: []sts.Index{
			{Workspace: workspace, Name: "main", Kind: sts.PyPI, Folder: wheels},
			{Workspace: workspace, Name: "main", Kind: sts.Conda, Folder: channel},
		},
	}, sts.Options{Env: env, Audit: w.audit})
	if err != nil {
		return err
	}
	late.Set(w.service.Handler())
	w.index = w.url + "/simple/" + workspace + "/main"
	w.channel = w.url + "/conda/" + workspace + "/main"
	w.job = w.jobOf(env, ci.Environ())
	return nil
}

// makePackages puts a wheel into the folder wheels and a conda package into the folder channel.
func makePackages(wheels, channel string) error {
	name, wheel, err := sample.Wheel(packageName, packageVersion)
	if err != nil {
		return err
	}
	if err := os.Mkdir(wheels, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(wheels, name), wheel, 0o600); err != nil {
		return err
	}
	return sample.Channel(channel, packageName, packageVersion)
}

// stop stops all that start started.
func (w *world) stop() error {
	err := w.servers.Stop()
	if w.service != nil {
		err = errors.Join(err, w.service.Close())
	}
	return err
}

// jobOf returns a CI job's surroundings: of env's only where programs are, and none of our credentials or settings.
func (w *world) jobOf(env *regpass.Env, ci []string) *regpass.Env {
	home := filepath.Join(w.dir, "home")
	environ := []string{"HOME=" + home, "USERPROFILE=" + home, "RUNNER_TEMP=" + w.dir, "TMPDIR=" + w.dir,
		"PIP_CONFIG_FILE=" + os.DevNull, "PIP_NO_INPUT=1", "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_NO_CACHE_DIR=1",
		"UV_NO_CONFIG=1", "UV_NO_CACHE=1", "UV_PYTHON_DOWNLOADS=never", "NO_COLOR=1"}
	for _, name := range []string{"PATH", "Path", "PATHEXT", "SYSTEMROOT", "PYENV_ROOT"} {
		if v := env.Getenv(name); v != "" {
			environ = append(environ, name+"="+v)
		}
	}
	environ = append(environ, ci...)
	job := *env
	job.Environ, job.Home, job.Dir, job.TempDir, job.Terminal = environ, home, w.dir, w.dir, false
	job.Stdin, job.Stderr = strings.NewReader(""), w.notes
	job.Getenv = func(name string) string {
		for _, kv := range slices.Backward(environ) {
			if n, v, _ := strings.Cut(kv, "="); n == name {
				return v
			}
		}
		return ""
	}
	return &job
}

// regpass runs the program in the job and returns its standard output.
func (w *world) regpass(ctx context.Context, args ...string) (string, error) {
	var out bytes.Buffer
	env := *w.job
	env.Stdout = &out
	if code := w.run(ctx, &env, args); code != 0 {
		return "", fmt.Errorf("demo: regpass %s exited with %d\n%s", args[0], code, w.notes)
	}
	return out.String(), nil
}

// left counts the files with a token in them, and the sessions.
func (w *world) left() (int, error) {
	sessions, err := filepath.Glob(filepath.Join(w.dir, "regpass-*"))
	if err != nil {
		return 0, err
	}
	n := len(sessions)
	return n, filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(tokenStart)) {
			n++
		}
		return err
	})
}
