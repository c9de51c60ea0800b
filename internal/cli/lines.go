package cli

import (
	"bytes"
	"io"

	"github.com/regpass/regpass"
)

// maxLine is how much of an unfinished line is kept, in bytes.
const maxLine = 1 << 20

// lines passes on whole lines, each with one write, so that no other output lands inside one. A runner recognizes a
// command by the start of its line, so an ::add-mask:: behind half a line would print the secret. A line that is too
// long is broken. It is for one goroutine.
type lines struct {
	w    io.Writer
	held []byte // the line that has not ended yet
}

// Write passes on the lines that end in p.
func (l *lines) Write(p []byte) (int, error) {
	l.held = append(l.held, p...)
	end := bytes.LastIndexByte(p, '\n') + 1
	if end == 0 {
		if len(l.held) > maxLine {
			return len(p), l.Flush()
		}
		return len(p), nil
	}
	rest := len(p) - end
	_, err := io.WriteString(l.w, regpass.Printable(string(l.held[:len(l.held)-rest])))
	l.held = append(l.held[:0], p[end:]...)
	return len(p), err
}

// Flush ends the last line.
func (l *lines) Flush() error {
	if len(l.held) == 0 {
		return nil
	}
	_, err := io.WriteString(l.w, regpass.Printable(string(append(l.held, '\n'))))
	l.held = l.held[:0]
	return err
}
