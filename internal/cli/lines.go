package cli

import (
	"bytes"
	"io"
)

// maxLine is how much of a line without an end is kept, in bytes.
const maxLine = 1 << 20

// lines passes on whole lines, each with one write: what others say in the meantime never comes in the midst of one. A
// runner takes a line for a command by how it begins, so a mask behind half a line would show what it is to hide. A
// line that is too long is broken. It is for one goroutine.
type lines struct {
	w    io.Writer
	held []byte // a line that has not ended yet
}

// Write passes on what p ends.
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
	_, err := l.w.Write(l.held[:len(l.held)-rest])
	l.held = append(l.held[:0], p[end:]...)
	return len(p), err
}

// Flush ends the last line.
func (l *lines) Flush() error {
	if len(l.held) == 0 {
		return nil
	}
	_, err := l.w.Write(append(l.held, '\n'))
	l.held = l.held[:0]
	return err
}
