package secret

import (
	"context"
	"sync"
	"time"

	"github.com/regpass/regpass"
)

// account is one credential and those who wait for it.
type account struct {
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

// credential returns the one that is held while it is fresh, and else gets one: one attempt serves all who ask
// meanwhile, also when it fails.
func (a *account) credential(ctx context.Context) (regpass.Credential, error) {
	for {
		f, ours := a.join()
		if ours {
			a.fly(ctx, f)
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
func (a *account) join() (f *flight, ours bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case !a.got.IsZero() && a.fresh(a.held, a.got):
		over := make(chan struct{})
		close(over)
		return &flight{done: over, cred: a.held}, false
	case a.flight != nil:
		return a.flight, false
	}
	a.flight = &flight{done: make(chan struct{})}
	return a.flight, true
}

func (a *account) fly(ctx context.Context, f *flight) {
	f.cred, f.err = a.source.Mint(ctx)
	f.cut = f.err != nil && ctx.Err() != nil
	a.mu.Lock()
	if f.err == nil {
		a.held, a.got = f.cred, a.now()
	}
	a.flight = nil
	a.mu.Unlock()
	if f.err != nil && !f.cut && a.failed != nil {
		a.failed(f.err)
	}
	close(f.done)
}
