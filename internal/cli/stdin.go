package cli

import (
	"context"
	"io"

	"github.com/regpass/regpass"
)

// untilDone is a reader whose Read returns when ctx ends, also while the reader behind it waits. It is for one
// goroutine.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	results := make(chan result, 1)
	own := make([]byte, len(p)) // a read that goes on after we return must not write to p
	go func() {                 // it ends with its input, or with the process
		n, err := u.r.Read(own)
		results <- result{n, err}
	}()
	select {
	case <-u.ctx.Done():
		return 0, u.ctx.Err()
	case r := <-results:
		return copy(p, own[:r.n]), r.err
	}
}

// readSecret reads a secret of at most limit bytes from standard input. At a terminal it asks for one line, which is
// not shown. It ends at the first signal.
func (a *app) readSecret(ctx context.Context, kind string, limit int64) (regpass.Secret, error) {
	if a.env.Terminal && a.env.AskSecret != nil {
		line, err := a.env.AskSecret(ctx, "regpass: "+kind+", which is not shown: ")
		return regpass.SecretLine(line), err
	}
	raw, err := regpass.ReadAll(untilDone{ctx, a.env.Stdin}, limit)
	return regpass.SecretLine(string(raw)), err
}
