// Package demo answers "what does regpass do?", by showing the whole flow on this machine, over loopback only.
package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/loopback"
)

// Run starts a token service with a private index, and a CI system with one job. It prints to env.Stdout how the clients
// found on this machine fare in that job, without a credential and with one, and what is left after the logout. run is
// the program itself: it takes the arguments that follow the program's name and returns the exit code. Run returns an
// error if a client is let in without a credential or refused with one, or if the logout leaves something behind.
func Run(ctx context.Context, env *regpass.Env, run func(ctx context.Context, env *regpass.Env, args []string) int) (err error) {
	dir, err := os.MkdirTemp(env.TempDir, "regpass-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	w := &world{dir: dir, run: run, notes: &bytes.Buffer{}, audit: &loopback.Buffer{}}
	defer func() { err = errors.Join(err, w.stop()) }()
	if err := w.start(ctx, env); err != nil {
		return fmt.Errorf("demo: %w", err)
	}

	p := &page{out: env.Stdout}
	p.linef("On this machine, for a moment:")
	p.linef("  a token service  %s, which trusts the CI jobs of %s/app", w.url, workspace)
	p.linef("  a private index  %s", w.index)
	p.linef("  and channel      %s", w.channel)
	p.linef("  a CI job         of GitHub Actions, with `id-token: write` and no other secret")
	p.linef("")
	p.linef("  $ regpass exec %s … -- CLIENT", w.index)
	p.linef("")
	p.linef(row, "client", "without regpass", "with regpass")
	if err := w.probe(ctx, p); err != nil {
		return err
	}
	for _, c := range clients {
		if err := w.try(ctx, c, p); err != nil {
			return err
		}
	}
	p.linef("")
	if err := w.logout(ctx, p); err != nil {
		return err
	}
	return p.failed
}

// row is a line of the table: the client, and how it fares without regpass and with it.
const row = "  %-18s %-22s %s"

// page prints lines until one fails.
type page struct {
	out    io.Writer
	failed error
}

func (p *page) linef(format string, args ...any) {
	if _, err := fmt.Fprintf(p.out, format+"\n", args...); err != nil {
		p.failed = fmt.Errorf("demo: %w", err)
	}
}

// probe is the first row: our own HTTP client, which is always there.
func (w *world) probe(ctx context.Context, p *page) error {
	without, err := w.get(ctx, regpass.Secret{})
	if err != nil {
		return err
	}
	token, err := w.token(ctx)
	if err != nil {
		return err
	}
	with, err := w.get(ctx, token)
	if err != nil {
		return err
	}
	p.linef(row, "regpass's own HTTP", fmt.Sprint(without), fmt.Sprint(with))
	if without != http.StatusUnauthorized || with != http.StatusOK {
		return fmt.Errorf("demo: expected %d and %d\n%s", http.StatusUnauthorized, http.StatusOK, w.notes)
	}
	return nil
}

// logout shows that a token ends with the logout and that nothing is left.
func (w *world) logout(ctx context.Context, p *page) error {
	token, err := w.token(ctx)
	if err != nil {
		return err
	}
	p.linef("  $ regpass logout")
	if _, err = w.regpass(ctx, "logout"); err != nil {
		return err
	}
	status, err := w.get(ctx, token)
	if err != nil {
		return err
	}
	left, err := w.left()
	if err != nil {
		return err
	}
	p.linef("  the token after it: %d; files left: %d; tokens in the service's audit of %d lines: %d",
		status, left, w.audit.Lines(), strings.Count(w.audit.String(), tokenStart))
	if status != http.StatusUnauthorized || left > 0 {
		return fmt.Errorf("demo: the logout left something behind\n%s", w.notes)
	}
	return nil
}

// token has the job print a token for the index.
func (w *world) token(ctx context.Context) (regpass.Secret, error) {
	out, err := w.regpass(ctx, "token", w.index+" type=pyx")
	return regpass.NewSecret(strings.TrimSpace(out)), err
}

// get asks the index as a client of no kind in particular, with a token or an empty one, and returns the status.
func (w *world) get(ctx context.Context, token regpass.Secret) (int, error) {
	u, err := url.Parse(w.index + "/" + packageName + "/")
	if err != nil {
		return 0, err
	}
	_, err = w.job.Do(ctx, regpass.Request{Op: "demo: read the index", Method: http.MethodGet, URL: u, Bearer: token})
	var he *regpass.HTTPError
	if errors.As(err, &he) {
		return he.Status, nil
	}
	return http.StatusOK, err
}
