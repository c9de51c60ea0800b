package buildkit

import (
	"bytes"
	"time"

	"github.com/moby/buildkit/client"

	digest "github.com/opencontainers/go-digest"

	"github.com/regpass/regpass"
)

// maxTail is how much of a step's output is kept to explain its failure, in bytes.
const maxTail = 16 << 10

// stepLog remembers the names of a build's steps and the end of the output of each, already redacted.
type stepLog struct {
	names     map[digest.Digest]string
	tails     map[digest.Digest][]byte
	failed    digest.Digest   // the first that failed; some builders do not name it in their error
	began     time.Time       // when the first began, by the builder's clock; zero: none has
	completed map[string]bool // names of the steps that succeeded
}

func newStepLog() *stepLog {
	return &stepLog{names: map[digest.Digest]string{}, tails: map[digest.Digest][]byte{}, completed: map[string]bool{}}
}

// note passes on each message of in, and closes out at the end of in.
func (t *stepLog) note(in <-chan *client.SolveStatus, out chan<- *client.SolveStatus) {
	defer close(out)
	for s := range in {
		for _, v := range s.Vertexes {
			t.names[v.Digest] = v.Name
			if v.Started != nil && (t.began.IsZero() || v.Started.Before(t.began)) {
				t.began = *v.Started
			}
		}
		for _, l := range s.Logs {
			w := t.tails[l.Vertex]
			if len(l.Data) >= maxTail {
				w = w[:0]
			}
			w = append(w, l.Data[max(0, len(l.Data)-maxTail):]...)
			t.tails[l.Vertex] = w[max(0, len(w)-maxTail):]
		}
		for _, v := range s.Vertexes {
			switch {
			case v.Completed != nil && v.Error == "":
				delete(t.tails, v.Digest)
				t.completed[v.Name] = true
			case v.Error != "" && t.failed == "":
				t.failed = v.Digest
			}
		}
		printable(s)
		out <- s
	}
}

// escaped matches what begins a sequence of a terminal other than those of ESC [, which move the cursor and choose
// colours.
var escaped = regpass.Pattern(`\x1b(?:[^\[]|\z)|[\x07\x{80}-\x{9f}]`)

// printable takes what a terminal would obey out of the texts of s that are shown as they are. The form of progress
// that moves the cursor reads what steps print as a terminal does, but shows it unread if the step fails.
func printable(s *client.SolveStatus) {
	for _, v := range s.Vertexes {
		v.Name, v.Error = regpass.Printable(v.Name), regpass.Printable(v.Error)
		if g := v.ProgressGroup; g != nil {
			g.Name = regpass.Printable(g.Name)
		}
	}
	for _, l := range s.Logs {
		if bytes.ContainsAny(l.Data, "\x1b\x07\u0090\u0098\u009b\u009d\u009e\u009f") {
			l.Data = escaped().ReplaceAllFunc(l.Data, func(found []byte) []byte {
				return []byte(regpass.Printable(string(found)))
			})
		}
	}
	for _, x := range s.Statuses {
		x.ID, x.Name = regpass.Printable(x.ID), regpass.Printable(x.Name)
	}
}
