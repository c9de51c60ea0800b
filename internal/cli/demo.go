package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/internal/loopback"
	"github.com/regpass/regpass/internal/sample"
	"github.com/regpass/regpass/sts"
)

// What the demonstration is about.
const (
	demoPackage   = "regpass-demo"
	demoVersion   = "1.0"
	demoWorkspace = "acme"
)

func newDemo(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show the whole flow on this machine; needs no account",
		Long: `Show the whole flow on this machine, over loopback only: a token service with a private index, a CI system that says
who a job is, and the job. Each client that is found here is refused without a credential and served with one; after
the logout nothing is left.`,
		Example: "  regpass demo",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context()) },
	}
}

// world is what the demonstration plays in.
type world struct {
	dir     string
	service string // URL of the token service
	index   string // URL of its Python index
	channel string // URL of its conda channel
	job     *regpass.Env
	notes   *bytes.Buffer    // what the job's regpass said on standard error
	audit   *loopback.Buffer // what the service said
}

func (a *app) demo(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp(a.env.TempDir, "regpass-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	w, stop, err := a.buildWorld(ctx, dir)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() { err = errors.Join(err, stop()) }()

	var unprinted error
	p := func(format string, args ...any) {
		if _, err := fmt.Fprintf(a.env.Stdout, format+"\n", args...); err != nil {
			unprinted = fmt.Errorf("demo: %w", err)
		}
	}
	p("On this machine, for a moment:")
	p("  a token service  %s, which trusts the CI jobs of %s/app", w.service, demoWorkspace)
	p("  a private index  %s", w.index)
	p("  and channel      %s", w.channel)
	p("  a CI job         of GitHub Actions, with `id-token: write` and no other secret")
	p("")
	p("  $ regpass exec %s … -- CLIENT", w.index)
	p("")
	p("  %-18s %-22s %s", "client", "without regpass", "with regpass")
	if err := w.own(ctx, p); err != nil {
		return err
	}
	for _, c := range demoClients {
		if err := w.try(ctx, c, p); err != nil {
			return err
		}
	}
	p("")
	token, err := w.regpass(ctx, "token", w.index+" type=pyx")
	if err != nil {
		return err
	}
	p("  $ regpass logout")
	if _, err = w.regpass(ctx, "logout"); err != nil {
		return err
	}
	status, err := w.get(ctx, strings.TrimSpace(token))
	if err != nil {
		return err
	}
	left, err := w.left()
	if err != nil {
		return err
	}
	p("  the token after it: %d; files left: %d; tokens in the service's audit of %d lines: %d",
		status, left, w.audit.Lines(), strings.Count(w.audit.String(), "eyJ"))
	if status != http.StatusUnauthorized || left > 0 {
		return fmt.Errorf("demo: the logout left something behind\n%s", w.notes)
	}
	return unprinted
}

// buildWorld makes the packages and starts the service and the CI system.
func (a *app) buildWorld(ctx context.Context, dir string) (_ *world, stop func() error, err error) {
	wheels, channel := filepath.Join(dir, "wheels"), filepath.Join(dir, "channel")
	var servers loopback.Servers
	defer func() {
		if err != nil {
			err = errors.Join(err, servers.Stop())
		}
	}()
	name, wheel, err := sample.Wheel(demoPackage, demoVersion)
	if err == nil {
		err = os.Mkdir(wheels, 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(wheels, name), wheel, 0o600)
	}
	if err == nil {
		err = sample.Channel(channel, demoPackage, demoVersion)
	}
	if err != nil {
		return nil, nil, err
	}
	issuer, err := fake.NewIssuer("ES256")
	if err != nil {
		return nil, nil, err
	}
	ci := fake.NewGitHub(issuer)
	ciURL, err := servers.Start(ctx, ci)
	if err != nil {
		return nil, nil, err
	}
	issuer.URL = ciURL
	w := &world{dir: dir, notes: &bytes.Buffer{}, audit: &loopback.Buffer{}}
	late := &loopback.Handler{}
	if w.service, err = servers.Start(ctx, late); err != nil {
		return nil, nil, err
	}
	service, err := sts.New(ctx, sts.Config{
		PublicURL: w.service,
		Trust: []sts.Trust{{Issuer: ciURL, Claims: map[string]string{"repository": demoWorkspace + "/app", "ref": "refs/heads/main"},
			Workspace: demoWorkspace, Permission: sts.Read}},
		Indexes: []sts.Index{
			{Workspace: demoWorkspace, Name: "main", Kind: sts.PyPI, Folder: wheels},
			{Workspace: demoWorkspace, Name: "main", Kind: sts.Conda, Folder: channel},
		},
	}, sts.Options{Env: a.env, Audit: w.audit})
	if err != nil {
		return nil, nil, err
	}
	late.Set(service.Handler())
	w.index = w.service + "/simple/" + demoWorkspace + "/main"
	w.channel = w.service + "/conda/" + demoWorkspace + "/main"
	w.job = a.job(w, ci.Environ())
	return w, func() error { return errors.Join(servers.Stop(), service.Close()) }, nil
}

// job is a CI job's surroundings: of ours only where programs are, and none of our credentials or settings.
func (a *app) job(w *world, ci []string) *regpass.Env {
	home := filepath.Join(w.dir, "home")
	environ := []string{"HOME=" + home, "USERPROFILE=" + home, "RUNNER_TEMP=" + w.dir, "TMPDIR=" + w.dir,
		"PIP_CONFIG_FILE=" + os.DevNull, "PIP_NO_INPUT=1", "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_NO_CACHE_DIR=1",
		"UV_NO_CONFIG=1", "UV_NO_CACHE=1", "UV_PYTHON_DOWNLOADS=never", "NO_COLOR=1"}
	for _, name := range []string{"PATH", "Path", "PATHEXT", "SYSTEMROOT", "PYENV_ROOT"} {
		if v := a.env.Getenv(name); v != "" {
			environ = append(environ, name+"="+v)
		}
	}
	environ = append(environ, ci...)
	job := *a.env
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

// regpass runs the program in the job, and returns its standard output.
func (w *world) regpass(ctx context.Context, args ...string) (string, error) {
	var out bytes.Buffer
	env := *w.job
	env.Stdout = &out
	if code := Main(ctx, &env, "", args); code != exitDone {
		return "", fmt.Errorf("demo: regpass %s exited with %d\n%s", args[0], code, w.notes)
	}
	return out.String(), nil
}

// get asks the index as a client of no kind in particular, with a token or without.
func (w *world) get(ctx context.Context, token string) (int, error) {
	u, err := url.Parse(w.index + "/" + demoPackage + "/")
	if err != nil {
		return 0, err
	}
	_, err = w.job.Do(ctx, regpass.Request{Stage: "demo: read the index", Method: http.MethodGet, URL: u, Bearer: regpass.NewSecret(token)})
	var he *regpass.HTTPError
	if errors.As(err, &he) {
		return he.Status, nil
	}
	return http.StatusOK, err
}

// own is the first row: our own HTTP client, which is always there.
func (w *world) own(ctx context.Context, p func(string, ...any)) error {
	without, err := w.get(ctx, "")
	if err != nil {
		return err
	}
	token, err := w.regpass(ctx, "token", w.index+" type=pyx")
	if err != nil {
		return err
	}
	with, err := w.get(ctx, strings.TrimSpace(token))
	if err != nil {
		return err
	}
	p("  %-18s %-22s %s", "regpass's own HTTP", fmt.Sprint(without), fmt.Sprint(with))
	if without != http.StatusUnauthorized || with != http.StatusOK {
		return fmt.Errorf("demo: expected %d and %d\n%s", http.StatusUnauthorized, http.StatusOK, w.notes)
	}
	return nil
}

// left counts the files with a token in them, and the sessions.
func (w *world) left() (int, error) {
	sessions, err := filepath.Glob(filepath.Join(w.dir, "regpass-*"))
	if err != nil {
		return 0, err
	}
	n := len(sessions)
	return n, filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte("eyJ")) {
			n++
		}
		return err
	})
}
