// Command regpass gives every build a pass: it proves who a CI job is, trades that for a short-lived package-registry
// credential and puts it where each client looks. `regpass help` tells the rest.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/regpass/regpass"
)

func main() { os.Exit(run()) }

// run is main without the exit, so that deferred calls happen.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return Main(ctx, surroundings(), os.Args[1:])
}

// surroundings is the one place where the program looks at the process it is.
func surroundings() *regpass.Env {
	home, _ := os.UserHomeDir() // empty where there is none
	dir, _ := os.Getwd()
	return &regpass.Env{
		Getenv:  os.Getenv,
		Environ: os.Environ(),
		HTTP: &http.Client{Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSHandshakeTimeout:    10 * time.Second,
			ForceAttemptHTTP2:      true,
			MaxResponseHeaderBytes: 64 << 10,
		}},
		Now:         time.Now,
		Wait:        wait,
		Stdin:       os.Stdin,
		Stdout:      os.Stdout,
		Stderr:      os.Stderr,
		Dir:         dir,
		Home:        home,
		TempDir:     os.TempDir(),
		Terminal:    term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stderr.Fd())),
		Run:         runCommand,
		OpenBrowser: openBrowser,
	}
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// runCommand leaves the command's standard error out: it may hold anything.
func runCommand(ctx context.Context, extra []string, name string, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Env = append(os.Environ(), extra...)
	c.WaitDelay = time.Second
	return c.Output()
}

func openBrowser(ctx context.Context, url string) error {
	var c *exec.Cmd
	switch runtime.GOOS {
	case "darwin":
		c = exec.CommandContext(ctx, "open", url)
	case "windows":
		c = exec.CommandContext(ctx, "rundll32", "url.dll,FileProtocolHandler", url)
	default:
		if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
			return fmt.Errorf("there is no display")
		}
		c = exec.CommandContext(ctx, "xdg-open", url)
	}
	return c.Run()
}
