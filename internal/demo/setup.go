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

// The demonstration's package, and its workspace at the service.
const (
	packageName    = "regpass-demo"
	packageVersion = "1.0"
	workspace      = "acme"
)

// tokenStart begins every token of the service: a JSON object in base64 (RFC 7519, section 3.1).
const tokenStart = "eyJ"

// demo is one run of the demonstration.
type demo struct {
	dir     string
	run     Program
	service *sts.Service
	servers loopback.Servers
	url     string // of the token service
	index   string // URL of its Python index
	channel string // URL of its conda channel
	job     *regpass.Env
	notes   *bytes.Buffer    // standard error of the job's regpass
	audit   *loopback.Buffer // the service's
}

// start makes the packages in d.dir and starts the CI system and the service. The caller must call stop, even after an
// error.
func (d *demo) start(ctx context.Context, env *regpass.Env) error {
	wheels, channel := filepath.Join(d.dir, "wheels"), filepath.Join(d.dir, "channel")
	if err := makePackages(wheels, channel); err != nil {
		return err
	}
	issuer, err := fake.NewIssuer("ES256")
	if err != nil {
		return err
	}
	ci := fake.NewGitHub(issuer)
	if issuer.URL, err = d.servers.Start(ctx, ci); err != nil {
		return err
	}
	handler := &loopback.Handler{}
	if d.url, err = d.servers.Start(ctx, handler); err != nil {
		return err
	}
	d.service, err = sts.New(ctx, sts.Config{
		PublicURL: d.url,
		Trust: []sts.Trust{{
			Issuer:    issuer.URL,
			Audience:  strings.TrimPrefix(d.url, "http://"),
			Claims:    map[string]string{"repository": workspace + "/app", "ref": "refs/heads/main"},
			Workspace: workspace, Permissions: sts.Permissions{sts.Read},
		}},
		Indexes: []sts.Index{
			{Workspace: workspace, Name: "main", Kind: sts.PyPI, Folder: wheels},
			{Workspace: workspace, Name: "main", Kind: sts.Conda, Folder: channel},
		},
	}, sts.Options{Env: env, Audit: d.audit})
	if err != nil {
		return err
	}
	handler.Set(d.service.Handler())
	d.index = d.url + "/simple/" + workspace + "/main"
	d.channel = d.url + "/conda/" + workspace + "/main"
	d.job = d.jobOf(env, ci.Environ())
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

// stop stops the servers and the service.
func (d *demo) stop() error {
	err := d.servers.Stop()
	if d.service != nil {
		err = errors.Join(err, d.service.Close())
	}
	return err
}

// jobOf returns the surroundings of a CI job. Of env's variables it keeps only those that help to find programs, so
// none of the user's credentials and settings.
func (d *demo) jobOf(env *regpass.Env, ci []string) *regpass.Env {
	home := filepath.Join(d.dir, "home")
	environ := []string{"HOME=" + home, "USERPROFILE=" + home, "RUNNER_TEMP=" + d.dir, "TMPDIR=" + d.dir,
		"PIP_CONFIG_FILE=" + os.DevNull, "PIP_NO_INPUT=1", "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_NO_CACHE_DIR=1",
		"UV_NO_CONFIG=1", "UV_NO_CACHE=1", "UV_PYTHON_DOWNLOADS=never", "NO_COLOR=1"}
	for _, name := range []string{"PATH", "Path", "PATHEXT", "SYSTEMROOT", "PYENV_ROOT"} {
		if v := env.Getenv(name); v != "" {
			environ = append(environ, name+"="+v)
		}
	}
	environ = append(environ, ci...)
	job := *env
	job.Environ, job.Home, job.Dir, job.TempDir, job.Terminal = environ, home, d.dir, d.dir, false
	job.Stdin, job.Stderr = strings.NewReader(""), d.notes
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
func (d *demo) regpass(ctx context.Context, args ...string) (string, error) {
	var out bytes.Buffer
	env := *d.job
	env.Stdout = &out
	if code := d.run(ctx, &env, args); code != 0 {
		return "", fmt.Errorf("demo: regpass %s exited with %d\n%s", args[0], code, d.notes)
	}
	return out.String(), nil
}

// leftovers counts the sessions and the files that hold a token.
func (d *demo) leftovers() (int, error) {
	sessions, err := filepath.Glob(filepath.Join(d.dir, "regpass-*"))
	if err != nil {
		return 0, err
	}
	n := len(sessions)
	return n, filepath.WalkDir(d.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(tokenStart)) {
			n++
		}
		return err
	})
}
