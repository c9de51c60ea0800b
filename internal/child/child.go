// Package child answers "how does a command run as if we were not there?". The command gets our standard input and our
// signals, and we exit with its exit code. Its output can be redacted on the way.
package child

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/process"
)

// Exit codes for a command that could not be run, as in shells
// (https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_08_02).
const (
	NotRunnable = 126
	NotFound    = 127
	Signaled    = 128 // plus the number of the signal that ended the command
)

// outputGrace is how long we read a command's output after it has ended: its own children may hold the output open.
const outputGrace = 5 * time.Second

// Command is a command with its surroundings.
type Command struct {
	Path   string   // its program file, as Find returns it
	Args   []string // the name it was called by, then its arguments
	Env    []string // NAME=value
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer

	Redact   *regpass.Redactor // redacts the command's output; nil: the command writes to our streams directly
	Terminal bool              // we are at a terminal, which itself sends signals to the command
}

// Find looks for the program of a command as a shell does, on the PATH of this process. If there is none, code is
// NotFound or NotRunnable and err says why.
func Find(name string) (path string, code int, err error) {
	path, err = exec.LookPath(name)
	var program *exec.Error // begins with "exec: "
	if errors.As(err, &program) {
		err = fmt.Errorf("%s: %w", regpass.Quote(program.Name), program.Err)
	}
	switch {
	case err == nil:
		return path, 0, nil
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, os.ErrNotExist):
		return "", NotFound, err
	}
	return "", NotRunnable, err
}

// Run runs a command to its end and returns its exit code, which is Signaled plus the signal's number if a signal ended
// it. Run forwards the signals that we get meanwhile. If the command could not be started, code is NotRunnable and err
// says why. An err with code 0 means that the command's output could not be passed on.
func Run(c Command) (code int, err error) {
	cmd := exec.Command(c.Path)
	cmd.Args, cmd.Env, cmd.WaitDelay = c.Args, c.Env, outputGrace
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Stdin, c.Stdout, c.Stderr
	var own *pty
	if c.Redact != nil {
		if own, err = c.newPty(); err != nil {
			return NotRunnable, fmt.Errorf("make a terminal for it: %w", err)
		}
	}
	if own != nil {
		own.attach(cmd)
		c.Terminal = false // ours is in raw mode and sends us no signals
		defer func() {
			if ended := own.end(); code == 0 && err == nil && ended != nil {
				err = fmt.Errorf("pass on the output: %w", ended)
			}
		}()
	} else if c.Redact != nil {
		out, errs := c.redacting()
		cmd.Stdout, cmd.Stderr = out, errs
		defer func() {
			if flushed := errors.Join(out.Flush(), errs.Flush()); code == 0 && err == nil && flushed != nil {
				err = fmt.Errorf("pass on the output: %w", flushed)
			}
		}()
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, process.Unignored(forwarded...)...)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return NotRunnable, err
	}
	if own != nil {
		own.start()
	}
	ended := make(chan struct{})
	var forwarding sync.WaitGroup
	forwarding.Go(func() { c.forward(cmd.Process, signals, ended) })
	err = cmd.Wait()
	close(ended)
	forwarding.Wait()
	if cmd.ProcessState == nil {
		return 0, err
	}
	if code := exitCode(cmd.ProcessState); code != 0 {
		return code, nil
	}
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return 0, fmt.Errorf("pass on the output: %w", err)
	}
	return 0, nil
}

// redacting returns a redacting writer for each stream. If both streams go to the same file it is one writer, since one
// pipe keeps the order in which the command wrote.
func (c Command) redacting() (out, errs *regpass.RedactingWriter) {
	out = c.Redact.Writer(c.Stdout)
	if sameFile(c.Stdout, c.Stderr) {
		return out, out
	}
	return out, c.Redact.Writer(c.Stderr)
}

// sameFile reports whether two streams go to the same file, as with 2>&1.
func sameFile(a, b io.Writer) bool {
	f, ok1 := a.(*os.File)
	g, ok2 := b.(*os.File)
	if !ok1 || !ok2 {
		return false
	}
	s, err1 := f.Stat()
	t, err2 := g.Stat()
	return err1 == nil && err2 == nil && os.SameFile(s, t)
}

// forward sends signals to the command until it has ended.
func (c Command) forward(to *os.Process, signals <-chan os.Signal, ended <-chan struct{}) {
	for {
		select {
		case sig := <-signals:
			if !c.Terminal || !fromTerminal(sig) {
				_ = to.Signal(sig) // fails if the command has ended
			}
		case <-ended:
			return
		}
	}
}
