//go:build engines && linux

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/regpass/regpass/image"
	"github.com/regpass/regpass/internal/scan"
)

// cmdHoldsNoToken is holds-no-token PATH…: no token that the service gave out in this script, and no derived form of
// one, is in the image, cache, file or folder, however deep; with ! there is one in each. A script that got no token
// proves nothing, so that is a failure.
func cmdHoldsNoToken(ts *testscript.TestScript, neg bool, args []string) {
	minted := fixtureOf(ts).minted
	if len(minted.all()) == 0 {
		ts.Fatalf("no token was given out, so there is none to look for")
	}
	for _, path := range args {
		found, err := scan.Path(context.Background(), ts.MkAbs(path), minted.known, image.Limits{})
		// A builder's own folders hold files that only look like an image's, but of all else every byte is looked at.
		ts.Check(err)
		var lines strings.Builder
		for _, f := range found {
			fmt.Fprintln(&lines, f)
		}
		switch {
		case neg && len(found) == 0:
			ts.Fatalf("%s holds no token", path)
		case neg:
			ts.Logf("%s", lines.String())
		case len(found) > 0:
			ts.Fatalf("%s holds a token:\n%s", path, lines.String())
		}
	}
}

// cmdDead is dead: the service takes none of the tokens that it gave out in this script any more; with ! it takes one
// or more.
func cmdDead(ts *testscript.TestScript, neg bool, args []string) {
	all, alive := fixtureOf(ts).minted.all(), 0
	for _, token := range all {
		req, err := http.NewRequest(http.MethodGet, ts.Getenv("INDEX")+"/acme-private/", nil)
		ts.Check(err)
		req.SetBasicAuth("__token__", token.Reveal())
		resp, err := http.DefaultClient.Do(req)
		ts.Check(err)
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			alive++
		}
	}
	if len(all) == 0 || neg == (alive == 0) {
		ts.Fatalf("the service takes %d of the %d tokens that it gave out", alive, len(all))
	}
}

// cmdNotPushed is not-pushed: nothing was written to the script's registry: no image, and no blob that was on its way.
func cmdNotPushed(ts *testscript.TestScript, neg bool, args []string) {
	writes := ts.Value(writesKey{}).(*writes)
	if n := writes.count.Load(); neg == (n == 0) {
		ts.Fatalf("%d requests were to write to the registry", n)
	}
}

type writesKey struct{}

// writes counts the requests that were let in and change a registry.
type writes struct{ count atomic.Int64 }

func (n *writes) of(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			n.count.Add(1)
		}
		h.ServeHTTP(w, r)
	})
}
