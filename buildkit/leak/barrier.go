package leak

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
)

// barrier blocks until every line that a step printed has been read. BuildKit may split one batch of progress over
// several messages, logs last (client/status.go, Marshal). So two marker steps run one after the other when the build's
// own are done: when the second, which begins after the first is known to be completed, is reported, everything before
// the first has arrived.
type barrier struct {
	marks [2]mark
	heard chan struct{} // holds an element if a report came since the last receive
	ended chan struct{} // closed when the report has ended
	end   func()
}

// maxSilence is how long a builder may report nothing at all while a marker step is under way. The report can break off
// while the build goes on, and then nothing else would end the wait.
const maxSilence = time.Minute

// mark is one of the marker steps.
type mark struct {
	name   string // random, so that no other step can have it
	passed chan struct{}
	pass   func()
}

func newBarrier() barrier {
	ended := make(chan struct{})
	g := barrier{heard: make(chan struct{}, 1), ended: ended, end: sync.OnceFunc(func() { close(ended) })}
	for i := range g.marks {
		passed := make(chan struct{})
		g.marks[i] = mark{"regpass: all output is read " + rand.Text(), passed, sync.OnceFunc(func() { close(passed) })}
	}
	return g
}

// hear notes that a report came.
func (g *barrier) hear() {
	select {
	case g.heard <- struct{}{}:
	default:
	}
}

// mark returns the marker step of that name, or nil.
func (g *barrier) mark(name string) *mark {
	for i := range g.marks {
		if g.marks[i].name == name {
			return &g.marks[i]
		}
	}
	return nil
}

// Guard returns a build whose result is held back until it has been searched. Before a step runs, the image config and
// the material of the provenance are searched, and seen is called with the steps. After the last step, before anything
// is exported or pushed, the attestations of the result (SBOM) are searched and, if handedOut reports that steps were
// given secrets, the rest of their output. A leak is an Error, and nothing is exported. Layers are left to Image.
func (w *Watch) Guard(
	build gateway.BuildFunc, seen func(*pb.Definition), handedOut func() bool,
) gateway.BuildFunc {
	return func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		res, err := build(ctx, c)
		if err != nil {
			return nil, err
		}
		w.config(res)
		if err := errors.Join(w.definitions(ctx, res, seen), w.Err()); err != nil {
			return nil, err
		}
		if err := evaluate(ctx, res); err != nil {
			return nil, err
		}
		if err := w.attestations(ctx, res); err != nil {
			return nil, err
		}
		if handedOut() {
			if err := w.Drain(ctx, c); err != nil {
				return nil, err
			}
		}
		return res, w.Err()
	}
}

// Drain waits until all output of the steps has been read.
func (w *Watch) Drain(ctx context.Context, c gateway.Client) error {
	for _, m := range w.barrier.marks {
		if err := w.drain(ctx, c, m); err != nil {
			return err
		}
	}
	return nil
}

// evaluate runs all steps, those of several platforms at the same time.
func evaluate(ctx context.Context, res *gateway.Result) error {
	var group sync.WaitGroup
	var errs []error
	var mu sync.Mutex // guards errs
	err := res.EachRef(func(r gateway.Reference) error {
		group.Go(func() {
			if err := r.Evaluate(ctx); err != nil {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			}
		})
		return nil
	})
	group.Wait()
	if len(errs) > 0 { // the others are the same or follow from it
		return errs[0]
	}
	return err
}

// drain runs the marker step m and waits until it is reported. The name is also the content of a file, since steps of
// several builds that do the same at the same time become one step, with one name.
func (w *Watch) drain(ctx context.Context, c gateway.Client, m mark) error {
	def, err := llb.Scratch().File(llb.Mkfile("/regpass", 0o444, []byte(m.name)), llb.WithCustomName(m.name)).Marshal(ctx)
	if err != nil {
		return fmt.Errorf("build: read all output: %w", err)
	}
	if _, err := c.Solve(ctx, gateway.SolveRequest{Definition: def.ToPB(), Evaluate: true}); err != nil {
		return fmt.Errorf("build: read all output: %w", err)
	}
	silence := time.NewTimer(maxSilence)
	defer silence.Stop()
	for {
		select {
		case <-m.passed:
			return nil
		case <-w.barrier.heard:
			silence.Reset(maxSilence)
		case <-w.barrier.ended:
			return errBrokeOff
		case <-silence.C:
			return errBrokeOff
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

var errBrokeOff = errors.New("build: the builder's report broke off before all output was read")
