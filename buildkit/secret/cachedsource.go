package secret

import (
	"context"
	"sync"
	"time"

	"github.com/regpass/regpass"
)

// cachedSource is a source with its credential, and those who wait for one.
type cachedSource struct {
	source Source
	fresh  func(c regpass.Credential, got time.Time) bool
	now    func() time.Time
	failed func(error) // hears of each exchange that failed, once

	mu     sync.Mutex // guards what follows
	held   regpass.Credential
	got    time.Time // when held came; zero: there is none yet
	flight *flight   // nil: nobody is getting one
}

// flight is one attempt to get a credential. Its fields are set before done is closed.
type flight struct {
	done chan struct{}
	cred regpass.Credential
	err  error
	cut  bool // whoever made the attempt was called off, which says nothing about the others
}

// credential returns the held one while it is fresh, and gets another otherwise. One attempt serves all who
// ask meanwhile, also when it fails.
func (c *cachedSource) credential(ctx context.Context) (regpass.Credential, error) {
	for {
		f, ours := c.join()
		if ours {
			c.fetch(ctx, f)
			return f.cred, f.err
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return regpass.Credential{}, ctx.Err()
		}
		if !f.cut {
			return f.cred, f.err
		}
	}
}

// join returns the attempt that is under way, or one that is over where the held credential will do. ours means that
// the caller has to make it.
func (c *cachedSource) join() (f *flight, ours bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.got.IsZero() && c.fresh(c.held, c.got):
		over := make(chan struct{})
		close(over)
		return &flight{done: over, cred: c.held}, false
	case c.flight != nil:
		return c.flight, false
	}
	c.flight = &flight{done: make(chan struct{})}
	return c.flight, true
}

// fetch makes the attempt f, and ends it for all who wait.
func (c *cachedSource) fetch(ctx context.Context, f *flight) {
	f.cred, f.err = c.source.Mint(ctx)
	f.cut = f.err != nil && ctx.Err() != nil
	c.mu.Lock()
	if f.err == nil {
		c.held, c.got = f.cred, c.now()
	}
	c.flight = nil
	c.mu.Unlock()
	if f.err != nil && !f.cut && c.failed != nil {
		c.failed(f.err)
	}
	close(f.done)
}
