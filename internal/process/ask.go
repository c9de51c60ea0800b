package process

import (
	"context"
	"fmt"
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
		line, err := term.ReadPassword(fd)
		answers <- answer{line, err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case a := <-answers:
		return string(a.line), a.err
	}
}
