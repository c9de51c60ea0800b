package inject

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	fstypes "github.com/tonistiigi/fsutil/types"

	"github.com/regpass/regpass"
)

// builderOf is a builder that holds one Dockerfile and does nothing of what it is asked.
type builderOf struct {
	gateway.Client
	dockerfile string
	opts       map[string]string

	mu     sync.Mutex
	solved []*pb.Definition
}

func (b *builderOf) BuildOpts() gateway.BuildOpts {
	return gateway.BuildOpts{
		Opts: b.opts, Product: "test", Workers: []gateway.WorkerInfo{{ID: "w"}},
		Caps: gatewaypb.Caps.CapSet(gatewaypb.Caps.All()), LLBCaps: pb.Caps.CapSet(pb.Caps.All()),
	}
}

func (b *builderOf) Solve(_ context.Context, req gateway.SolveRequest) (*gateway.Result, error) {
	if req.Frontend != "" {
		return nil, errors.New("another frontend was asked: " + req.Frontend)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.solved = append(b.solved, req.Definition)
	res := gateway.NewResult()
	res.SetRef(&dockerfileRef{text: b.dockerfile})
	return res, nil
}

// baseDigest is the digest of every base image.
var baseDigest = digest.FromString("a")

func (b *builderOf) ResolveSourceMetadata(_ context.Context, op *pb.SourceOp,
	_ sourceresolver.Opt) (*sourceresolver.MetaResponse, error) {
	return &sourceresolver.MetaResponse{Op: op, Image: &sourceresolver.ResolveImageResponse{Digest: baseDigest,
		Config: []byte(`{"os":"linux","architecture":"amd64"}`)}}, nil
}

func (b *builderOf) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest,
	[]byte, error) {
	return ref, baseDigest, []byte(`{"os":"linux","architecture":"amd64"}`), nil
}

func (b *builderOf) Inputs(context.Context) (map[string]llb.State, error) { return nil, nil }

func (b *builderOf) Warn(context.Context, digest.Digest, string, gateway.WarnOpts) error { return nil }

type dockerfileRef struct {
	gateway.Reference
	text string
}

func (r *dockerfileRef) ReadFile(_ context.Context, req gateway.ReadRequest) ([]byte, error) {
	if req.Filename == "Dockerfile" {
		return []byte(r.text), nil
	}
	return nil, errors.New("no such file")
}

func (r *dockerfileRef) StatFile(_ context.Context, req gateway.StatRequest) (*fstypes.Stat, error) {
	data, err := r.ReadFile(context.Background(), gateway.ReadRequest{Filename: req.Path})
	return &fstypes.Stat{Path: req.Path, Size: int64(len(data))}, err
}

func TestFrontend(t *testing.T) {
	const body = `FROM python:3.12 AS base
RUN ["pip", "install", "a"]
FROM base
USER app
RUN <<EOF
  uv sync
EOF
RUN --mount=type=secret,id=netrc,target=/x pip install b
RUN --network=none pip install c
RUN echo done
`
	for _, syntax := range []string{"", "# syntax=docker/dockerfile:1\n",
		"#syntax = docker.io/docker/dockerfile:1.7.0-rc2@sha256:" + strings.Repeat("0", 64) + "\n",
		"// syntax=docker/dockerfile-upstream:master\n"} {
		b := &builderOf{dockerfile: syntax + body, opts: map[string]string{}}
		if strings.HasPrefix(syntax, "//") { // BuildKit's frontend does not read on behind it
			b.dockerfile, b.opts["build-arg:BUILDKIT_SYNTAX"] = body, "docker/dockerfile-upstream:master"
		}
		i := New(toInject, false)
		if _, err := i.Frontend(t.Context(), b); err != nil {
			t.Fatalf("%q: %v", syntax, err)
		}
		want := []Step{
			{"[base 1/2] RUN [\"pip\", \"install\", \"a\"]", []string{"pip"}, []string{"netrc"}, nil},
			{"[stage-1 1/4] RUN <<EOF (uv sync)", []string{"uv"}, []string{"pyx_auth_token", "netrc", "uv"}, nil},
			{"[stage-1 2/4] RUN --mount=type=secret,id=netrc,target=/x pip install b", []string{"pip"}, nil, nil},
			{"[stage-1 3/4] RUN --network=none pip install c", []string{"pip"}, nil, []string{"it has no network"}},
		}
		if got := i.Steps(); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v", syntax, got)
		}
		def := b.solved[len(b.solved)-1]
		given := 0
		for _, e := range steps(t, def) {
			given += len(e.Secretenv) +
				len(slices.DeleteFunc(e.Mounts, func(m *pb.Mount) bool { return m.MountType != pb.MountType_SECRET }))
		}
		if given != 5 { // one for pip, a variable and two files for uv, and the Dockerfile's own
			t.Errorf("%q: %d secrets are mounted", syntax, given)
		}
		if _, ok := b.opts["cmdline"]; ok {
			t.Error("the builder's own options were changed")
		}
	}
}

func TestFrontendOfOthers(t *testing.T) {
	for _, ref := range []string{
		"docker/dockerfile:1-labs", "docker/dockerfile:labs", "tonistiigi/dockerfile", "docker.io/evil/docker/dockerfile",
		"ghcr.io/docker/dockerfile:1",
		"docker/dockerfile-x", "crazymax/dockerfile:1", "docker/dockerfile:1.7-labs@sha256:" + strings.Repeat("0", 64),
	} {
		b := &builderOf{dockerfile: "# syntax=" + ref + "\nFROM scratch\n", opts: map[string]string{}}
		_, err := New(toInject, false).Frontend(t.Context(), b)
		if !errors.Is(err, regpass.ErrUsage) || !strings.Contains(err.Error(),
			"inject: the Dockerfile is for the frontend "+regpass.Quote(ref)) || len(regpass.Hints(err)) != 1 {
			t.Errorf("%s: %v", ref, err)
		}
	}
}
