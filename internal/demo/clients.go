package demo

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/regpass/regpass"
)

// client is a package client that the demonstration runs if it is here.
type client struct {
	name    string
	command func(w *world, into string) []string // fetches the package, or at least what the index says of it
	conda   bool                                 // it reads the channel, not the index
}

var clients = []client{
	{name: "curl", command: func(w *world, into string) []string {
		// curl takes a netrc file by argument only; without NETRC, $HOME/.netrc is not there.
		return []string{"sh", "-c", `exec curl -fsS --netrc-file "${NETRC:-$HOME/.netrc}" -o "$1" "$2"`, "sh",
			filepath.Join(into, "page"), w.index + "/" + packageName + "/"}
	}},
	{name: "pip", command: func(w *world, into string) []string {
		return []string{"pip", "download", "-q", "--no-deps", "--index-url", w.index, "-d", into, packageName}
	}},
	{name: "uv", command: func(w *world, into string) []string {
		return []string{"uv", "pip", "install", "-q", "--index-url", w.index, "--target", into, packageName}
	}},
	{name: "pixi", conda: true, command: func(w *world, into string) []string {
		return []string{"sh", "-c", `exec pixi search -c "$2" ` + packageName + ` > "$1"`, "sh",
			filepath.Join(into, "found"), w.channel}
	}},
}

// try runs a client in the job without regpass, and by `regpass exec`.
func (w *world) try(ctx context.Context, c client, p *page) error {
	if _, err := exec.LookPath(c.name); err != nil {
		p.linef("  %-18s not found here", c.name)
		return nil
	}
	version, err := exec.CommandContext(ctx, c.name, "--version").Output()
	if err != nil {
		p.linef("  %-18s does not run here", c.name)
		return nil
	}
	words := append(strings.Fields(string(version)), "", "")
	title := c.name + " " + words[1]

	into := filepath.Join(w.dir, "got-"+c.name)
	if err := os.Mkdir(into, 0o700); err != nil {
		return err
	}
	command := c.command(w, into)
	bare := exec.CommandContext(ctx, command[0], command[1:]...)
	bare.Env, bare.Dir = w.job.Environ, w.dir
	refusals := w.refusals()
	without := "let in"
	if bare.Run() != nil {
		without = "failed" // for a reason of its own, unless the service refused it
		if w.refusals() > refusals {
			without = fmt.Sprint(http.StatusUnauthorized)
		}
	}
	registry := w.index
	if c.conda {
		registry = w.channel + " workspace=" + workspace
	}
	_, err = w.regpass(ctx, append([]string{"exec", registry + " type=pyx", "--"}, command...)...)
	with := "served"
	if got, _ := os.ReadDir(into); err != nil || len(got) == 0 {
		with = "refused"
	}
	p.linef(row, title, without, with)
	if without != fmt.Sprint(http.StatusUnauthorized) || with != "served" {
		return regpass.Hintf(fmt.Errorf("demo: %s was %s without a credential and %s with one: %w", title, without, with, err),
			"run `regpass exec` with it yourself to see what it says")
	}
	return nil
}

// refusals counts the requests without a credential that the service refused so far.
func (w *world) refusals() int { return strings.Count(w.audit.String(), `"status":401`) }
