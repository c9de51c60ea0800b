// Package process answers "which process are we?": it fills in regpass.Env from the real surroundings and turns the
// first signal into the end of a context. Nothing else in the program looks around.
package process

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/regpass/regpass"
)

// gcPercent makes the first garbage collection wait for 16 MB instead of 4: most verbs end before it, and one collection
// costs a build 3 ms (runtime, GOGC).
const gcPercent = 400

// Run calls program with the arguments that follow the process's name and returns its exit code. The first interrupt,
// SIGTERM or SIGHUP ends the context; a second one ends the process at once.
func Run(program func(ctx context.Context, env *regpass.Env, args []string) int) int {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, Unignored(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)...)
	go func() {
		<-ends
		signal.Stop(ends) // a second signal ends the process, whatever it waits for
		cancel()
	}()
	// A reader that goes away is an error of the write; by default it would end us before we clean up.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return program(ctx, Surroundings(), os.Args[1:])
}

// Unignored returns the signals that our parent has not switched off, as nohup does: Notify would switch them on
// again, also in the commands that we start.
func Unignored(all ...os.Signal) []os.Signal { return slices.DeleteFunc(all, signal.Ignored) }

// Surroundings reads everything that the program may know of its process.
func Surroundings() *regpass.Env {
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

// maxOutput is how much of a command's output is taken, in bytes.
const maxOutput = 1 << 20

// runCommand leaves the command's standard error out: it may hold anything.
func runCommand(ctx context.Context, extra []string, name string, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Env = append(os.Environ(), extra...)
	c.WaitDelay = time.Second
	var out capped
	c.Stdout = &out
	err := c.Run()
	return out.Bytes(), err
}

// capped is a buffer that takes maxOutput bytes; the command that writes more gets a broken pipe.
type capped struct{ bytes.Buffer }

func (c *capped) Write(p []byte) (int, error) {
	if c.Len()+len(p) > maxOutput {
		return 0, fmt.Errorf("more than %d bytes", maxOutput)
	}
	return c.Buffer.Write(p)
}

func openBrowser(_ context.Context, url string) error {
	var c *exec.Cmd
	switch runtime.GOOS {
	case "darwin":
		c = exec.Command("open", url)
	case "windows":
		c = exec.Command("rundll32", "url.dll,FileProtocolHandler", url)
	default:
		if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
			return fmt.Errorf("there is no display")
		}
		c = exec.Command("xdg-open", url)
	}
	if err := c.Start(); err != nil {
		return err
	}
	go func() { _ = c.Wait() }() // some openers run as long as the browser
	return nil
}
