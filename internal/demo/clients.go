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

// client is a package client that the demonstration runs if it is installed.
type client struct {
	name    string
	command func(d *demo, into string) []string // fetches the package, or at least its page of the index
	conda   bool                                // the client reads the channel, not the index
}

var clients = []client{
	{name: "curl", command: func(d *demo, into string) []string {
		// curl takes a netrc only by argument. Without NETRC it gets $HOME/.netrc, which does not exist.
		return []string{"sh", "-c", `exec curl -fsS --netrc-file "${NETRC:-$HOME/.netrc}" -o "$1" "$2"`, "sh",
			filepath.Join(into, "page"), d.index + "/" + packageName + "/"}
	}},
	{name: "pip", command: func(d *demo, into string) []string {
		return []string{"pip", "download", "-q", "--no-deps", "--index-url", d.index, "-d", into, packageName}
	}},
	{name: "uv", command: func(d *demo, into string) []string {
		return []string{"uv", "pip", "install", "-q", "--index-url", d.index, "--target", into, packageName}
	}},
	{name: "pixi", conda: true, command: func(d *demo, into string) []string {
		return []string{"sh", "-c", `exec pixi search -c "$2" ` + packageName + ` > "$1"`, "sh",
			filepath.Join(into, "found"), d.channel}
	}},
}

// try runs a client in the job without regpass and then under `regpass exec`.
func (d *demo) try(ctx context.Context, c client, p *printer) error {
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

	into := filepath.Join(d.dir, "got-"+c.name)
	if err := os.Mkdir(into, 0o700); err != nil {
		return err
	}
	command := c.command(d, into)
	bare := exec.CommandContext(ctx, command[0], command[1:]...)
	bare.Env, bare.Dir = d.job.Environ, d.dir
	refusals := d.refusals()
	without := "let in"
	if bare.Run() != nil {
		without = "failed" // for another reason, unless the service refused a request
		if d.refusals() > refusals {
			without = fmt.Sprint(http.StatusUnauthorized)
		}
	}
	registry := d.index
	if c.conda {
		registry = d.channel + " workspace=" + workspace
	}
	_, err = d.regpass(ctx, append([]string{"exec", registry + " type=pyx", "--"}, command...)...)
	with := "served"
	if got, _ := os.ReadDir(into); err != nil || len(got) == 0 {
		with = "refused"
	}
	p.linef(rowFormat, title, without, with)
	if without != fmt.Sprint(http.StatusUnauthorized) || with != "served" {
		err = fmt.Errorf("demo: %s was %s without a credential and %s with one: %w", title, without, with, err)
		return regpass.Hintf(err, "run it yourself with `regpass exec` to see its output")
	}
	return nil
}

// refusals counts the requests that the service has refused for want of a credential.
func (d *demo) refusals() int { return strings.Count(d.audit.String(), `"status":401`) }
