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
)

// barrier blocks until every line that a step printed has been read. BuildKit may split one batch of progress over
// several messages, logs last (client/status.go, Marshal). So two marker steps run one after the other when the build's
// own are done: when the second, which begins after the first is known to be completed, is reported, everything before
// the first has arrived.
type barrier struct {
	marks [2]mark
	heard chan struct{} // something was reported since somebody looked
	ended chan struct{}
	end   func()
}

// maxSilence is how long a builder may report nothing at all while a step of ours is on its way through what steps
// printed. The report can break off with the build going on, and then nobody else would end it.
const maxSilence = time.Minute

// mark is one of those steps.
type mark struct {
	name   string // no other step can know it
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

// hear notes that the report goes on.
func (g *barrier) hear() {
	select {
	case g.heard <- struct{}{}:
	default:
	}
}

// mark is the one of that name, or nil.
func (g *barrier) mark(name string) *mark {
	for i := range g.marks {
		if g.marks[i].name == name {
			return &g.marks[i]
		}
	}
	return nil
}

// Guard looks, before a step runs, at the image config and at what the provenance will be made of. Then it runs build
// to the end of its last step and holds the result back, before anything is exported or pushed, while it looks at
// attestations that are part of the result (SBOM) and, where handed reports that steps were given secrets, at the rest
// of their output. A leak is an Error, and nothing is exported. Layers are not looked at here: Image searches them.
func (w *Watch) Guard(build gateway.BuildFunc, handed func() bool) gateway.BuildFunc {
	return func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		res, err := build(ctx, c)
		if err != nil {
			return nil, err
		}
		w.config(res)
		if err := errors.Join(w.definitions(ctx, res), w.Err()); err != nil {
			return nil, err
		}
		if err := evaluate(ctx, res); err != nil {
			return nil, err
		}
		if err := w.attestations(ctx, res); err != nil {
			return nil, err
		}
		if handed() {
			for _, m := range w.barrier.marks {
				if err := w.drain(ctx, c, m); err != nil {
					return nil, err
				}
			}
		}
		return res, w.Err()
	}
}

// evaluate has all steps done, those of several platforms side by side.
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

// drain runs m's step and waits until it is seen. The name is in the file as well: the builder tells steps apart by
// what they do, and builds that do the same at the same time share one step with one name.
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
