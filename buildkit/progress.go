package buildkit

import (
	"sync"

	"github.com/moby/buildkit/client"
)

// progress is one stream of all that the builder and this process report about a build.
type progress struct {
	all  chan *client.SolveStatus
	mu   sync.RWMutex // held for reading while something is sent
	over bool
}

func newProgress() *progress { return &progress{all: make(chan *client.SolveStatus)} }

// say adds to the stream; after its end nothing.
func (r *progress) say(s *client.SolveStatus) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if !r.over {
		r.all <- s
	}
}

func (r *progress) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	close(r.all)
}

// from adds all of in.
func (r *progress) from(in <-chan *client.SolveStatus) {
	for s := range in {
		r.say(s)
	}
}
