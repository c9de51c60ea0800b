//go:build linux || darwin

package e2e

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/console"
	"golang.org/x/term"
)

// terminal is a terminal with the program in it.
type terminal struct {
	console.Console
	slave *os.File
	cmd   *exec.Cmd

	mu     sync.Mutex
	shown  bytes.Buffer
	more   chan struct{} // gets a value when more is shown, and is closed at the end
	waited chan error
}

// atTerminal starts the program in a terminal of 30 lines and 100 columns.
func atTerminal(t *testing.T, environ []string, args ...string) *terminal {
	t.Helper()
	master, path, err := console.NewPty()
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := master.Resize(console.WinSize{Height: 30, Width: 100}); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	x := &terminal{Console: master, slave: slave, more: make(chan struct{}, 1), waited: make(chan error, 1)}
	x.cmd = exec.Command(self, args...)
	x.cmd.Args[0] = "regpass" // see TestMain
	x.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, environ...)
	x.cmd.Stdin, x.cmd.Stdout, x.cmd.Stderr = slave, slave, slave
	x.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := x.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { x.waited <- x.cmd.Wait() }()
	go x.read()
	t.Cleanup(func() {
		_ = x.cmd.Process.Kill()
		_ = slave.Close()
		_ = master.Close()
	})
	return x
}

func (x *terminal) read() {
	defer close(x.more)
	buf := make([]byte, 1<<10)
	for {
		n, err := x.Read(buf)
		x.mu.Lock()
		x.shown.Write(buf[:n])
		x.mu.Unlock()
		select {
		case x.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (x *terminal) text() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.shown.String()
}

// expect waits until the terminal shows a text.
func (x *terminal) expect(t *testing.T, text string) {
	t.Helper()
	limit := time.After(time.Minute)
	for !strings.Contains(x.text(), text) {
		select {
		case _, ok := <-x.more:
			if !ok && !strings.Contains(x.text(), text) {
				t.Fatalf("it ended and does not show %q: %q", text, x.text())
			}
		case <-limit:
			t.Fatalf("it does not show %q: %q", text, x.text())
		}
	}
}

func (x *terminal) typed(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(x, text); err != nil {
		t.Fatal(err)
	}
}

// code waits for the end and returns the exit code.
func (x *terminal) code(t *testing.T) int {
	t.Helper()
	select {
	case <-x.waited:
	case <-time.After(time.Minute):
		t.Fatalf("it does not end: %q", x.text())
	}
	return x.cmd.ProcessState.ExitCode()
}

func TestExecGivesATerminal(t *testing.T) {
	index, key := tokenService(t)
	const script = `test -t 0 && test -t 1 && test -t 2 && echo three terminals
		stty size
		echo "$PYX_AUTH_TOKEN" | fold -w 80
		printf "who? "; read who; echo "hello $who"
		trap "stty size; exit 3" WINCH
		echo ready; while :; do sleep 0.05; done`
	x := atTerminal(t, []string{"PYX_API_KEY=" + key}, "exec", index+" type=pyx", "--to", "env", "--", "sh", "-c", script)
	before, err := term.GetState(int(x.slave.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	x.expect(t, "who? ")
	x.typed(t, "eve\n")
	x.expect(t, "ready\r\n")
	if err := x.Resize(console.WinSize{Height: 40, Width: 120}); err != nil {
		t.Fatal(err)
	}
	x.expect(t, "40 120")
	if code := x.code(t); code != 3 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{"three terminals\r\n30 100\r\n***\r\n", "who? eve\r\nhello eve\r\n"} {
		if !strings.Contains(x.text(), want) {
			t.Errorf("it does not show %q: %q", want, x.text())
		}
	}
	if strings.Contains(x.text(), "eyJ") || strings.Contains(x.text(), key) {
		t.Error("it shows a secret")
	}
	if after, err := term.GetState(int(x.slave.Fd())); err != nil || !reflect.DeepEqual(after, before) {
		t.Errorf("the terminal is not as it was: %v", err)
	}
}

// Ctrl-C reaches the command, not us, and its exit code is passed on.
func TestCtrlCUnderExec(t *testing.T) {
	index, key := tokenService(t)
	x := atTerminal(t, []string{"PYX_API_KEY=" + key}, "exec", index+" type=pyx", "--to", "env", "--", "sh", "-c",
		`trap "echo caught; exit 7" INT; echo ready; while :; do sleep 0.05; done`)
	x.expect(t, "ready")
	x.typed(t, "\x03")
	x.expect(t, "caught")
	if code := x.code(t); code != 7 {
		t.Errorf("exit code %d: %q", code, x.text())
	}
}

// Errors and hints have colors at a terminal that shows them, unless the person wants none.
func TestColors(t *testing.T) {
	for _, c := range []struct{ variable, want string }{
		{"TERM=xterm", "regpass: \x1b[1;31merror: \x1b[0munknown command"},
		{"TERM=dumb", "regpass: error: unknown command"},
		{"NO_COLOR=1", "regpass: error: unknown command"},
	} {
		x := atTerminal(t, []string{c.variable}, "tokn")
		x.expect(t, "did you mean token?")
		if code := x.code(t); code != 2 || !strings.Contains(x.text(), c.want) {
			t.Errorf("%s: exit code %d, %q", c.variable, code, x.text())
		}
	}
}

func TestSecretIsTypedUnseen(t *testing.T) {
	index, key := tokenService(t)
	for _, c := range []struct {
		name string
		act  func(t *testing.T, x *terminal)
		code int
	}{
		{"a key", func(t *testing.T, x *terminal) { x.typed(t, key+"\n") }, 0},
		{"Ctrl-C", func(t *testing.T, x *terminal) { x.typed(t, "half a key\x03") }, 130},
		{"Ctrl-D", func(t *testing.T, x *terminal) { x.typed(t, "\x04") }, 4},
		{"SIGTERM", func(t *testing.T, x *terminal) { _ = x.cmd.Process.Signal(syscall.SIGTERM) }, 130},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := atTerminal(t, nil, "token", index+" type=pyx", "--token-stdin")
			before, err := term.GetState(int(x.slave.Fd()))
			if err != nil {
				t.Fatal(err)
			}
			x.expect(t, "regpass: the token or API key, which is not shown: ")
			c.act(t, x)
			if code := x.code(t); code != c.code {
				t.Errorf("exit code %d: %q", code, x.text())
			}
			if strings.Contains(x.text(), key) || strings.Contains(x.text(), "half a key") {
				t.Error("it is shown")
			}
			if after, err := term.GetState(int(x.slave.Fd())); err != nil || !reflect.DeepEqual(after, before) {
				t.Errorf("the terminal is not as it was: %v", err)
			}
		})
	}
}

// At a terminal nothing took the variables that login prints.
func TestLoginSaysThatNothingIsSet(t *testing.T) {
	index, key := tokenService(t)
	x := atTerminal(t, []string{"PYX_API_KEY=" + key}, "login", index+" type=pyx")
	x.expect(t, "nothing is set in this shell yet: paste these lines, or see the examples of `regpass help login`")
	if code := x.code(t); code != 0 {
		t.Errorf("exit code %d: %q", code, x.text())
	}
}

// A pipe that nobody closes keeps nobody waiting after a signal.
func TestSignalEndsStandardInput(t *testing.T) {
	index, _ := tokenService(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	cmd := exec.Command(self, "token", index+" type=pyx", "--token-stdin")
	cmd.Args[0], cmd.Stdin = "regpass", read
	cmd.Env = []string{"HOME=" + t.TempDir()}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for tick := time.NewTicker(10 * time.Millisecond); ; { // until it listens for signals
		select {
		case <-ended:
			tick.Stop()
			if code := cmd.ProcessState.ExitCode(); code != 130 && code != -1 {
				t.Errorf("exit code %d", code)
			}
			return
		case <-tick.C:
			_ = cmd.Process.Signal(syscall.SIGTERM)
		}
	}
}
