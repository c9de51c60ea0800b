// Package process answers "which process are we?". It fills in regpass.Env from the real surroundings and turns the
// first signal into the end of a context. No other package looks at the process's surroundings.
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/keychain"
)

// gcPercent delays the first garbage collection until 16 MB are in use, instead of 4 (runtime, GOGC). Most verbs end
// before that, and one collection costs a build 3 ms.
const gcPercent = 400

// Run calls program with the process's arguments, its name first, and returns its exit code. The first interrupt,
// SIGTERM or SIGHUP ends the context; a second one ends the process at once.
func Run(program func(ctx context.Context, env *regpass.Env, args []string) int) int {
	conceal()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ends := make(chan os.Signal, 2)
	signal.Notify(ends, Unignored(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)...)
	go func() {
		<-ends
		signal.Stop(ends) // a second signal ends the process at once
		cancel()
		select {
		case second := <-ends: // it came before Stop, so nobody has acted on it
			if self, err := os.FindProcess(os.Getpid()); err == nil {
				_ = self.Signal(second)
			}
		default:
		}
	}()
	// If our reader goes away, the write fails. By default the signal would end us before we clean up.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return program(ctx, Surroundings(), os.Args)
}

// Unignored returns the signals that our parent does not ignore, as nohup does with SIGHUP. Notify would end that, in
// the commands that we start too.
func Unignored(all ...os.Signal) []os.Signal { return slices.DeleteFunc(all, signal.Ignored) }

// dialTimeout limits how long a TCP connection may take, and then the TLS handshake.
const dialTimeout = 10 * time.Second

// Surroundings reads everything that the program may know about its process.
func Surroundings() *regpass.Env {
	home, _ := os.UserHomeDir() // empty if there is none
	dir, _ := os.Getwd()
	program, _ := os.Executable() // empty if the system does not say
	return &regpass.Env{
		Getenv:  getenv,
		Environ: os.Environ(),
		HTTP: &http.Client{Transport: &http.Transport{
			Proxy:                  proxy,
			DialContext:            dial,
			TLSHandshakeTimeout:    dialTimeout,
			ForceAttemptHTTP2:      true,
			MaxResponseHeaderBytes: 64 << 10,
		}},
		Now:         time.Now,
		Wait:        wait,
		Stdin:       os.Stdin,
		Stdout:      os.Stdout,
		Stderr:      os.Stderr,
		Program:     program,
		Dir:         dir,
		Home:        home,
		TempDir:     os.TempDir(),
		Terminal:    term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stderr.Fd())),
		AskSecret:   askSecret,
		Machine:     machine,
		Run:         runCommand,
		Keychain:    keychain.New(getenv),
		OpenBrowser: openBrowser,
	}
}

// proxy is the proxy of the environment. No proxy can reach the metadata server of this machine's cloud, nor this
// machine: http is spoken to it, so a proxy would see every secret, and Go keeps only localhost itself from one.
func proxy(r *http.Request) (*url.URL, error) {
	host := r.URL.Hostname()
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsLinkLocalUnicast() || regpass.Loopback(host) {
		return nil, nil
	}
	return http.ProxyFromEnvironment(r)
}

// dial connects to this machine where a name below localhost is asked for, whatever a name server says of it
// (RFC 6761, section 6.3): http is spoken to it.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err == nil && strings.HasSuffix(strings.ToLower(host), ".localhost") {
		address = net.JoinHostPort("localhost", port)
	}
	return (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, address)
}

// machine reads what the firmware says (https://www.dmtf.org/standards/smbios, types 1 and 3). Amazon, Google and
// Azure each have a field of their own for it.
func machine() string {
	var all []string
	for _, field := range []string{"sys_vendor", "product_name", "chassis_asset_tag"} {
		text, _ := regpass.ReadPlain("/sys/class/dmi/id/"+field, 1<<10) // missing off Linux
		all = append(all, strings.TrimSpace(string(text)))
	}
	return strings.Join(all, " ")
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

// maxOutput is the limit of a command's output, in bytes.
const maxOutput = 1 << 20

// runCommand drops the command's standard error: it may hold anything.
func runCommand(ctx context.Context, extra []string, name string, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Env = append(os.Environ(), extra...)
	c.WaitDelay = time.Second
	var out limitedBuffer
	c.Stdout = &out
	err := c.Run()
	return out.Bytes(), err
}

// limitedBuffer is a buffer for maxOutput bytes. A command that writes more gets a broken pipe.
type limitedBuffer struct{ bytes.Buffer }

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxOutput {
		return 0, fmt.Errorf("more than %d bytes", maxOutput)
	}
	return b.Buffer.Write(p)
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
			return errors.New("there is no display")
		}
		c = exec.Command("xdg-open", url)
	}
	if err := c.Start(); err != nil {
		return err
	}
	go func() { _ = c.Wait() }() // some openers run as long as the browser
	return nil
}

// getenv is os.Getenv. In a job of Azure Pipelines a variable that the pipeline lacks, such as a secret in a pull
// request from a fork, is not empty but the text $(NAME), which counts as not set.
// https://learn.microsoft.com/en-us/azure/devops/pipelines/process/set-secret-variables
func getenv(name string) string {
	value := os.Getenv(name)
	if strings.HasPrefix(value, "$(") && os.Getenv("TF_BUILD") != "" && unset().MatchString(value) {
		return ""
	}
	return value
}

// unset matches the macro of a variable that Azure Pipelines did not replace.
var unset = regpass.Pattern(`^\$\([A-Za-z0-9_.-]+\)$`)
