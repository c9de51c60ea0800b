package buildkit

import (
	"sync"

	"github.com/moby/buildkit/client"
)

// progress is one stream of all reports about a build, from the builder and from this process.
type progress struct {
	all   chan *client.SolveStatus
	mu    sync.RWMutex // held for reading while something is sent
	ended bool
}

func newProgress() *progress { return &progress{all: make(chan *client.SolveStatus)} }

// add adds a report to the stream. After the end of the stream it does nothing.
func (r *progress) add(s *client.SolveStatus) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if !r.ended {
		r.all <- s
	}
}

func (r *progress) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	close(r.all)
}

// addAll adds all reports of in.
func (r *progress) addAll(in <-chan *client.SolveStatus) {
	for s := range in {
		r.add(s)
	}
}
