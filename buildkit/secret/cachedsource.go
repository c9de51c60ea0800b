package secret

import (
	"context"
	"sync"

	"github.com/regpass/regpass"
)

// cachedSource keeps the credential of one source. Steps that ask at the same time share one exchange.
type cachedSource struct {
	ref    regpass.Ref
	minter Minter

	mu     sync.Mutex          // guards the fields below
	held   *regpass.Credential // nil: there is none yet
	flight *flight             // nil: no exchange is under way
}

// flight is one exchange. Its fields are set before done is closed.
type flight struct {
	done     chan struct{}
	cred     regpass.Credential
	err      error
	canceled bool // the step that ran the exchange was canceled, so the steps that wait must try again
}

// credential returns the held credential while it is fresh, and gets another otherwise. One exchange serves all steps
// that ask in the meantime, also when it fails.
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
		if !f.canceled {
			return f.cred, f.err
		}
	}
}

// join returns the exchange that is under way, or a finished one with the held credential if that is still fresh. If
// ours is true, the caller must run the exchange.
func (c *cachedSource) join() (f *flight, ours bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.held != nil && c.minter.Fresh(*c.held):
		done := make(chan struct{})
		close(done)
		return &flight{done: done, cred: *c.held}, false
	case c.flight != nil:
		return c.flight, false
	}
	c.flight = &flight{done: make(chan struct{})}
	return c.flight, true
}

// fetch runs the exchange f and wakes all steps that wait for it.
func (c *cachedSource) fetch(ctx context.Context, f *flight) {
	f.cred, f.err = c.minter.Credential(ctx, c.ref)
	f.canceled = f.err != nil && ctx.Err() != nil
	c.mu.Lock()
	if f.err == nil {
		c.held = &f.cred
	}
	c.flight = nil
	c.mu.Unlock()
	if f.err != nil && !f.canceled {
		c.minter.Fail(f.err)
	}
	close(f.done)
}
