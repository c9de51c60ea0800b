package buildkit

import (
	"sync"

	"github.com/moby/buildkit/client"
)

// report is one stream of what the builder and this process say about a build.
type report struct {
	all  chan *client.SolveStatus
	mu   sync.RWMutex // held for reading while something is sent
	over bool
}

func newReport() *report { return &report{all: make(chan *client.SolveStatus)} }

// say adds to the stream; after its end nothing.
func (r *report) say(s *client.SolveStatus) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if !r.over {
		r.all <- s
	}
}

func (r *report) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	close(r.all)
}

// from adds all of in.
func (r *report) from(in <-chan *client.SolveStatus) {
	for s := range in {
		r.say(s)
	}
}
