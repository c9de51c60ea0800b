package leak

import (
	"context"
	"sync"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	digest "github.com/opencontainers/go-digest"

	"github.com/regpass/regpass"
)

// Watch stands between a build and its readers: it redacts all that the build reports and remembers which tokens were
// in it. One Watch is for one build.
type Watch struct {
	leaks   leaks
	known   *regpass.Redactor
	barrier barrier
	names   map[digest.Digest]string // of steps, for Filter
	output  map[stream]*output
	steps   map[string]string // names of steps; see nameSteps for the keys
	ended   []digest.Digest   // completed steps that may still have output in later messages of the same batch
	made    []*llb.Definition // of the results

	mu        sync.Mutex      // guards completed
	completed map[string]bool // names of the steps that came to their end without an error
}

// stream is one of the two outputs of a step.
type stream struct {
	step   digest.Digest
	stream int // file descriptor: 1 or 2
}

// Identifier tells the credentials of a build from the user's other secrets.
type Identifier interface {
	// Identify names a secret by its fingerprint. ours is true if the secret must not show up anywhere in a build.
	Identify(fingerprint string) (id, host string, ours bool)
}

// NewWatch makes a Watch. known holds all secrets, for redaction, and may grow during the build. A secret that shows up
// is a leak if tokens says that it is ours. stop, which may be nil, is called with an Error for each new leak, so that
// the build can be stopped at once.
func NewWatch(known *regpass.Redactor, tokens Identifier, stop context.CancelCauseFunc) *Watch {
	return &Watch{
		known: known, leaks: leaks{tokens: tokens, stop: stop}, barrier: newBarrier(),
		names: map[digest.Digest]string{}, output: map[stream]*output{}, steps: map[string]string{},
		completed: map[string]bool{},
	}
}

// Definitions lists how the results of the build are made, once Guard has seen them.
func (w *Watch) Definitions() []*llb.Definition { return w.made }

// Completed reports whether the step with this description came to its end without an error, as far as was reported.
func (w *Watch) Completed(described map[string]string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.completed[described[nameKey]]
}

// Filter redacts each message of in, in place, and passes it on to out. It closes out when in is closed. After ctx has
// ended it still reads in to the end, so that the build is not held up. Call it once.
func (w *Watch) Filter(ctx context.Context, in <-chan *client.SolveStatus, out chan<- *client.SolveStatus) {
	defer close(out)
	defer w.barrier.end()
	for s := range in {
		w.status(s)
		select {
		case out <- s:
		case <-ctx.Done():
		}
		w.barrier.hear() // a display may be slow
	}
	if s := (&client.SolveStatus{Logs: w.flushAll()}); len(s.Logs) > 0 {
		select {
		case out <- s:
		case <-ctx.Done():
		}
	}
}

// Redact replaces the secrets in an error or another text about the build.
func (w *Watch) Redact(text string) string { return string(w.known.Redact([]byte(text))) }

// Leaks lists the leaks so far, each once.
func (w *Watch) Leaks() []Leak { return w.leaks.list() }

// Err returns an Error with the leaks so far, or nil.
func (w *Watch) Err() error { return w.leaks.err() }

// maxStatusBatch is how much steps print, in bytes, before the builder may split a batch of progress over several
// messages: its limit is twice that (BuildKit, client/status.go, Marshal). Only the first of them names steps.
const maxStatusBatch = 512 << 10

// status redacts all texts of s. Output that was held back is passed on before the step is reported as completed,
// unless more of it is still to come.
func (w *Watch) status(s *client.SolveStatus) {
	for _, v := range s.Vertexes {
		w.names[v.Digest] = w.Redact(v.Name)
	}
	first := len(s.Vertexes)+len(s.Statuses) > 0
	var before []*client.VertexLog
	if first {
		before = w.flushEnded()
	}
	logs, size := s.Logs[:0], 0
	for _, l := range s.Logs {
		size += len(l.Data)
		o := w.outputOf(stream{l.Vertex, l.Stream})
		if l.Data = o.write(l.Data); len(l.Data) > 0 {
			logs = append(logs, l)
		}
	}
	s.Logs = append(before, logs...)
	var passed []*mark
	vertexes := s.Vertexes[:0]
	for _, v := range s.Vertexes {
		if m := w.barrier.mark(v.Name); m != nil {
			if v.Completed != nil {
				passed = append(passed, m)
			}
			continue
		}
		if v.Completed != nil && v.Error == "" {
			w.mu.Lock()
			w.completed[v.Name] = true
			w.mu.Unlock()
		}
		vertexes = append(vertexes, v)
		w.vertex(v)
		if v.Completed != nil {
			w.ended = append(w.ended, v.Digest)
		}
	}
	s.Vertexes = vertexes
	if first && size < maxStatusBatch {
		s.Logs = append(s.Logs, w.flushEnded()...)
	}
	for _, x := range s.Statuses {
		w.text(&x.ID, inProgress, x.Vertex)
		w.text(&x.Name, inProgress, x.Vertex)
	}
	for _, x := range s.Warnings {
		w.warning(x)
	}
	for _, m := range passed {
		m.pass()
	}
}

func (w *Watch) vertex(v *client.Vertex) {
	w.text(&v.Name, inName, v.Digest)
	w.text(&v.Error, inError, v.Digest)
	if v.ProgressGroup != nil {
		w.text(&v.ProgressGroup.Name, inName, v.Digest)
	}
}

func (w *Watch) warning(x *client.VertexWarning) {
	w.bytes(&x.Short, inWarning, x.Vertex)
	for i := range x.Detail {
		w.bytes(&x.Detail[i], inWarning, x.Vertex)
	}
	w.text(&x.URL, inWarning, x.Vertex)
	if x.SourceInfo != nil {
		w.bytes(&x.SourceInfo.Data, inWarning, x.Vertex)
	}
}

func (w *Watch) text(s *string, where string, step digest.Digest) {
	b := []byte(*s)
	if w.bytes(&b, where, step); string(b) != *s {
		*s = string(b)
	}
}

func (w *Watch) bytes(b *[]byte, where string, step digest.Digest) {
	found := w.known.Find(*b)
	if len(found) == 0 {
		return
	}
	*b = w.known.Redact(*b)
	for _, f := range found {
		w.leaks.add(f, where, w.names[step], step)
	}
}
