// Package demo answers "what does regpass do?". It shows the whole flow on this machine, over loopback only.
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

// Program is regpass itself. It takes the arguments after the program's name and returns the exit code.
type Program func(ctx context.Context, env *regpass.Env, args []string) int

// Run starts a token service with a private index, and a CI system with one job. In that job it tries the clients of
// this machine without a credential and with one. It prints the results, and the leftovers of a logout, to env.Stdout.
// Run returns an error if a client is let in without a credential or refused with one, or if the logout leaves a file.
func Run(ctx context.Context, env *regpass.Env, run Program) (err error) {
	dir, err := os.MkdirTemp(env.TempDir, "regpass-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d := &demo{dir: dir, run: run, notes: &bytes.Buffer{}, audit: &loopback.Buffer{}}
	defer func() { err = errors.Join(err, d.stop()) }()
	if err := d.start(ctx, env); err != nil {
		return fmt.Errorf("demo: %w", err)
	}

	p := &printer{out: env.Stdout}
	p.linef("On this machine, for a moment:")
	p.linef("  a token service  %s, which trusts the CI jobs of %s/app", d.url, workspace)
	p.linef("  a private index  %s", d.index)
	p.linef("  and channel      %s", d.channel)
	p.linef("  a CI job         of GitHub Actions, with `id-token: write` and no other secret")
	p.linef("")
	p.linef("  $ regpass exec %s … -- CLIENT", d.index)
	p.linef("")
	p.linef(rowFormat, "client", "without regpass", "with regpass")
	if err := d.probe(ctx, p); err != nil {
		return err
	}
	for _, c := range clients {
		if err := d.try(ctx, c, p); err != nil {
			return err
		}
	}
	p.linef("")
	if err := d.logout(ctx, p); err != nil {
		return err
	}
	return p.failed
}

// rowFormat is a line of the table: the client, and how it fares without regpass and with it.
const rowFormat = "  %-18s %-22s %s"

// printer prints lines and keeps the last error.
type printer struct {
	out    io.Writer
	failed error
}

func (p *printer) linef(format string, args ...any) {
	if _, err := fmt.Fprintf(p.out, format+"\n", args...); err != nil {
		p.failed = fmt.Errorf("demo: %w", err)
	}
}

// probe prints the first row: our own HTTP client, which is always there.
func (d *demo) probe(ctx context.Context, p *printer) error {
	without, err := d.get(ctx, regpass.Secret{})
	if err != nil {
		return err
	}
	token, err := d.token(ctx)
	if err != nil {
		return err
	}
	with, err := d.get(ctx, token)
	if err != nil {
		return err
	}
	p.linef(rowFormat, "regpass's own HTTP", fmt.Sprint(without), fmt.Sprint(with))
	if without != http.StatusUnauthorized || with != http.StatusOK {
		return fmt.Errorf("demo: expected %d and %d\n%s", http.StatusUnauthorized, http.StatusOK, d.notes)
	}
	return nil
}

// logout shows that a token ends with the logout and that nothing is left.
func (d *demo) logout(ctx context.Context, p *printer) error {
	token, err := d.token(ctx)
	if err != nil {
		return err
	}
	p.linef("  $ regpass logout")
	if _, err = d.regpass(ctx, "logout"); err != nil {
		return err
	}
	status, err := d.get(ctx, token)
	if err != nil {
		return err
	}
	left, err := d.leftovers()
	if err != nil {
		return err
	}
	p.linef("  the token after it: %d; files left: %d; tokens in the service's audit of %d lines: %d",
		status, left, d.audit.Lines(), strings.Count(d.audit.String(), tokenStart))
	if status != http.StatusUnauthorized || left > 0 {
		return fmt.Errorf("demo: the logout left something behind\n%s", d.notes)
	}
	return nil
}

// token lets the job print a token for the index.
func (d *demo) token(ctx context.Context) (regpass.Secret, error) {
	out, err := d.regpass(ctx, "token", d.index+" type=pyx")
	return regpass.NewSecret(strings.TrimSpace(out)), err
}

// get reads the package's page of the index, with a token or an empty one, and returns the HTTP status.
func (d *demo) get(ctx context.Context, token regpass.Secret) (int, error) {
	u, err := url.Parse(d.index + "/" + packageName + "/")
	if err != nil {
		return 0, err
	}
	_, err = d.job.Do(ctx, regpass.Request{Op: "demo: read the index", Method: http.MethodGet, URL: u, Bearer: token})
	var he *regpass.HTTPError
	if errors.As(err, &he) {
		return he.Status, nil
	}
	return http.StatusOK, err
}
