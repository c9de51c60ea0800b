package buildkit

import (
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	digest "github.com/opencontainers/go-digest"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/leak"
	"github.com/regpass/regpass/buildkit/secret"
)

const live = "pyx_live-0123456789abcdef/0123456789abcdef+0123456789abcdef"

var stepA, stepB = digest.FromString("a"), digest.FromString("b")

// tokens holds the token live.
type tokens struct{}

func (tokens) Identify(fingerprint string) (id, host string, ours bool) {
	return "netrc", "acme.test", fingerprint == regpass.NewSecret(live).Fingerprint()
}

// newWatch knows the token live.
func newWatch() *leak.Watch {
	return leak.NewWatch(regpass.NewRedactor(regpass.NewSecret(live)), tokens{}, nil)
}

// handedOut is a store that has handed out a secret.
func handedOut(t *testing.T) *secret.Store {
	t.Helper()
	env := &regpass.Env{Now: time.Now, Getenv: func(string) string { return "x" }}
	s, err := secret.NewStore(env, nil, nil, []secret.UserDefined{{ID: "netrc", Env: "X"}}, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.GetSecret(t.Context(), "netrc"); err != nil {
		t.Fatal(err)
	}
	return s
}

func said(step digest.Digest, fd int, text string) *client.VertexLog {
	return &client.VertexLog{Vertex: step, Stream: fd, Data: []byte(text)}
}

// built is a result of a build.
type built struct{ gateway.Reference }
