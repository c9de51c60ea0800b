package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/containerd/console"
	"golang.org/x/term"
)

// askSecret prints a prompt and reads a line from the terminal without showing it. When ctx ends the terminal shows
// again what is typed, and the error is ctx's.
func askSecret(ctx context.Context, prompt string) (string, error) {
	fd := int(os.Stdin.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	tty, err := console.ConsoleFromFile(os.Stdin)
	if err == nil {
		err = tty.DisableEcho() // before the prompt: a quick person would be echoed
	}
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(fd, before) }() // nothing is left to do if it fails
	fmt.Fprint(os.Stderr, prompt)
	defer fmt.Fprintln(os.Stderr) // the line end was not shown either
	type answer struct {
		line []byte
		err  error
	}
	answers := make(chan answer, 1)
	go func() { // it ends with the line, or with the process
		line, err := readLine(os.Stdin)
		answers <- answer{line, err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case a := <-answers:
		return string(a.line), a.err
	}
}

// readLine reads to the end of the line, or to Ctrl-D, which term.ReadPassword passes over.
func readLine(r io.Reader) (line []byte, err error) {
	for b := make([]byte, 1); ; {
		switch n, err := r.Read(b); {
		case errors.Is(err, io.EOF):
			return line, nil
		case err != nil:
			return nil, err
		case n == 1 && b[0] == '\n':
			return line, nil
		default:
			line = append(line, b[:n]...)
		}
	}
}
