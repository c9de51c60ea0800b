//go:build linux || darwin

package child

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/containerd/console"
	"golang.org/x/term"

	"github.com/regpass/regpass"
)

// idle is how long a command may print nothing before the first letters of what could become a secret are shown: a
// person who types waits for the echo.
const idle = 30 * time.Millisecond

// pty is a terminal of the command's own, between it and the one that we are at. So the command has colours, progress
// and prompts, and its output is still redacted.
type pty struct {
	ours   console.Console
	before *term.State // of ours, which is in raw mode: the command's own terminal edits lines
	master console.Console
	slave  *os.File
	out    *regpass.RedactingWriter
	resize chan os.Signal
	copied chan error // nil until the command runs
}

// newPty makes a terminal for the command if all three of its streams are one; otherwise it returns nil.
func (c Command) newPty() (*pty, error) {
	in, out, errs := terminal(c.Stdin), terminal(c.Stdout), terminal(c.Stderr)
	if in == nil || out == nil || errs == nil {
		return nil, nil
	}
	ours, err := console.ConsoleFromFile(in)
	if err != nil {
		return nil, err
	}
	master, path, err := console.NewPty()
	if err != nil {
		return nil, err
	}
	slave, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err == nil {
		err = master.ResizeFrom(ours)
	}
	var before *term.State
	if err == nil {
		before, err = term.MakeRaw(int(in.Fd()))
	}
	if err != nil {
		return nil, errors.Join(err, master.Close())
	}
	return &pty{ours: ours, before: before, master: master, slave: slave, out: c.Redact.Writer(out),
		resize: make(chan os.Signal, 1)}, nil
}

// terminal is a stream that is a terminal, or nil.
func terminal(stream any) console.File {
	f, ok := stream.(*os.File)
	if !ok {
		return nil
	}
	if _, err := console.ConsoleFromFile(f); err != nil {
		return nil
	}
	return f
}

// attach gives the command the terminal, as the controlling one of a session of its own.
func (p *pty) attach(cmd *exec.Cmd) {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.slave, p.slave, p.slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
}

// start passes on input, output and the size of our terminal, once the command runs.
func (p *pty) start() {
	_ = p.slave.Close() // the command has its own
	p.copied = make(chan error, 1)
	go func() { _, _ = io.Copy(p.master, p.ours) }()
	go func() { p.copied <- p.copyOut() }()
	signal.Notify(p.resize, syscall.SIGWINCH)
	go func() {
		for range p.resize {
			_ = p.master.ResizeFrom(p.ours) // the command keeps the old size
		}
	}()
}

// copyOut passes on what the command prints, until no process has its terminal any more.
func (p *pty) copyOut() error {
	chunks, free := make(chan []byte), make(chan []byte, 1)
	free <- make([]byte, 32<<10)
	go func() {
		defer close(chunks)
		for {
			buf := <-free
			n, err := p.master.Read(buf)
			if n > 0 {
				chunks <- buf[:n]
			}
			if err != nil { // EIO once nobody has the other side
				return
			}
		}
	}()
	for {
		var err error
		select {
		case chunk, ok := <-chunks:
			if !ok {
				return p.out.Flush()
			}
			_, err = p.out.Write(chunk)
			free <- chunk[:cap(chunk)]
		case <-time.After(idle):
			err = p.out.Pause()
		}
		if err != nil {
			return err
		}
	}
}

// end waits for the last output after the command has ended, and gives our terminal its mode back.
func (p *pty) end() (err error) {
	signal.Stop(p.resize)
	close(p.resize)
	if p.copied == nil {
		return errors.Join(p.restore(), p.slave.Close(), p.master.Close())
	}
	select {
	case err = <-p.copied:
	case <-time.After(outputGrace): // a process in the background still has the terminal
	}
	return errors.Join(err, p.restore(), p.master.Close())
}

func (p *pty) restore() error { return term.Restore(int(p.ours.Fd()), p.before) }
