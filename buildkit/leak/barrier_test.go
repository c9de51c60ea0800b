package leak

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/solver/result"
	digest "github.com/opencontainers/go-digest"
	fstypes "github.com/tonistiigi/fsutil/types"

	"github.com/regpass/regpass"
)

// reporting is a builder that reports every step it is asked for as completed, and says something before.
type reporting struct {
	gateway.Client
	status chan *client.SolveStatus
	says   []string // before the first step, the second, …
	breaks bool     // the report ends instead
	silent bool     // nothing is reported instead
	asked  int      // how often it was
}

func (r *reporting) Solve(ctx context.Context, req gateway.SolveRequest) (*gateway.Result, error) {
	if r.breaks {
		close(r.status)
		return gateway.NewResult(), nil
	}
	if r.silent {
		return gateway.NewResult(), nil
	}
	now := time.Now()
	if r.asked < len(r.says) {
		r.status <- &client.SolveStatus{Logs: []*client.VertexLog{said(stepA, 1, r.says[r.asked])}}
	}
	r.asked++
	for _, dt := range req.Definition.Def {
		dgst := digest.FromBytes(dt)
		name := req.Definition.Metadata[string(dgst)].GetDescription()[nameKey]
		r.status <- &client.SolveStatus{Vertexes: []*client.Vertex{{Digest: dgst, Name: name, Started: &now}}}
		r.status <- &client.SolveStatus{Vertexes: []*client.Vertex{{Digest: dgst, Name: name, Started: &now,
			Completed: &now}}}
	}
	return gateway.NewResult(), nil
}

// built is a result of a build; its files are for attestations.
type built struct {
	gateway.Reference
	err       error
	files     map[string]string
	made      llb.State // how
	evaluated bool
}

func (b *built) ToState() (llb.State, error) { return b.made, nil }

func (b *built) Evaluate(context.Context) error { b.evaluated = true; return b.err }

func (b *built) ReadFile(_ context.Context, req gateway.ReadRequest) ([]byte, error) {
	text, ok := b.files[req.Filename]
	if !ok {
		return nil, errors.New("no such file")
	}
	from := min(req.Range.Offset, len(text))
	return []byte(text[from:min(from+req.Range.Length, len(text))]), nil
}

func (b *built) ReadDir(_ context.Context, req gateway.ReadDirRequest) ([]*fstypes.Stat, error) {
	var all []*fstypes.Stat
	for name := range b.files {
		if rest, ok := strings.CutPrefix(name, req.Path+"/"); ok {
			all = append(all, &fstypes.Stat{Path: rest})
		}
	}
	return all, nil
}

// gated runs w's gate around a build with that result.
func gated(t *testing.T, w *Watch, r *reporting, res *gateway.Result, handed bool) error {
	t.Helper()
	r.status = make(chan *client.SolveStatus)
	shown := make(chan *client.SolveStatus)
	go w.Filter(t.Context(), r.status, shown)
	seen := make(chan []string, 1)
	go func() {
		var names []string
		for s := range shown {
			for _, v := range s.Vertexes {
				names = append(names, v.Name)
			}
		}
		seen <- names
	}()
	build := func(context.Context, gateway.Client) (*gateway.Result, error) { return res, nil }
	got, err := w.Guard(build, func(*pb.Definition) {}, func() bool { return handed })(t.Context(), r)
	if err == nil && got != res {
		t.Error("another result came out")
	}
	if !r.breaks {
		close(r.status)
	}
	if names := <-seen; slices.ContainsFunc(names, func(n string) bool { return strings.Contains(n, "all output") }) {
		t.Errorf("shows the steps %q", names)
	}
	return err
}

// A builder whose report just stops does not hold up a build for good.
func TestGuardGivesUpOnSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		res := gateway.NewResult()
		res.SetRef(&built{})
		began := time.Now()
		if err := gated(t, newWatch(nil), &reporting{silent: true}, res, true); err == nil ||
			!strings.Contains(err.Error(), "broke off") {
			t.Errorf("%v", err)
		}
		if waited := time.Since(began); waited != maxSilence {
			t.Errorf("it took %s", waited)
		}
	})
}

func TestGuardWaitsForAllOutput(t *testing.T) {
	for _, c := range []struct {
		name   string
		says   []string
		handed bool
		want   error
	}{
		{"nothing was said", nil, true, nil},
		{"something else was said", []string{"hello"}, true, nil},
		{"a token was said", []string{live}, true, regpass.ErrFound},
		{"a token was said, and comes in a message of its own", []string{"hello", live}, true, regpass.ErrFound},
		{"no step could say one", nil, false, nil},
	} {
		res, ref := gateway.NewResult(), &built{}
		res.SetRef(ref)
		if err := gated(t, newWatch(nil), &reporting{says: c.says}, res, c.handed); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if !ref.evaluated {
			t.Errorf("%s: the build was not brought to its end", c.name)
		}
	}
	res := gateway.NewResult()
	if err := gated(t, newWatch(nil), &reporting{breaks: true}, res, true); err == nil ||
		!strings.Contains(err.Error(), "broke off") {
		t.Errorf("when the report breaks off: %v", err)
	}
	res.SetRef(&built{err: errors.New("exit code: 1")})
	if err := gated(t, newWatch(nil), &reporting{}, res, true); err == nil || err.Error() != "exit code: 1" {
		t.Errorf("when a step fails: %v", err)
	}
}

func TestGuardLooksBeforeAStepRuns(t *testing.T) {
	for _, c := range []struct {
		name string
		made llb.State
		want Leak
	}{
		{"variable", llb.Image("base").Run(llb.Shlex("true"), llb.AddEnv("A", live), llb.WithCustomName("RUN true")).Root(),
			leak("definition", "RUN true", "", "plain")},
		{"address", llb.HTTP("https://files.test/?token="+live, llb.WithCustomName("ADD it")),
			leak("definition", "ADD it", "", "plain")},
		{"name", llb.Scratch().File(llb.Mkdir("/a", 0o700), llb.WithCustomName("MKDIR "+live)),
			leak("definition", "MKDIR ***", "", "plain")},
		{"Dockerfile",
			llb.Scratch().File(llb.Mkdir("/a", 0o700), llb.NewSourceMap(nil, "Dockerfile", "",
				fmt.Appendf(nil, "# %x", live)).Location(nil)),
			leak("build file", "Dockerfile", "", "hex")},
		{"where the Dockerfile is from", llb.Scratch().File(llb.Mkdir("/a", 0o700),
			llb.NewSourceMap(new(llb.HTTP("https://files.test/"+live, llb.WithCustomName("load"))), "Dockerfile", "",
				nil).Location(nil)),
			leak("definition", "load", "", "plain")},
	} {
		res, ref, w := gateway.NewResult(), &built{made: c.made}, newWatch(nil)
		res.SetRef(ref)
		err := gated(t, w, &reporting{}, res, false)
		got := w.Leaks()
		if c.want.Where == "definition" && len(got) == 1 {
			c.want.Step = got[0].Step
		}
		if !slices.Equal(got, []Leak{c.want}) || !errors.Is(err, regpass.ErrFound) {
			t.Errorf("%s: %v, %+v", c.name, err, got)
		}
		if ref.evaluated {
			t.Errorf("%s: steps were run", c.name)
		}
	}
}

func TestGuardLooksAtTheResult(t *testing.T) {
	file := gateway.Attestation{Kind: gatewaypb.AttestationKind_InToto, Path: "/sbom.json",
		InToto: result.InTotoAttestation{PredicateType: "https://spdx.dev/Document"}}
	bundle := gateway.Attestation{Kind: gatewaypb.AttestationKind_Bundle, Path: "/all"}
	long := strings.Repeat("x", readChunk-10) + live
	for _, c := range []struct {
		name string
		make func(*gateway.Result)
		want []Leak
	}{
		{"clean", func(res *gateway.Result) {
			res.AddMeta("containerimage.config", []byte(`{"config":{"Env":["A=b"]}}`))
			file.Ref = &built{files: map[string]string{"/sbom.json": "{}"}}
			res.AddAttestation("linux/amd64", file)
		}, nil},
		{"config", func(res *gateway.Result) {
			res.AddMeta("containerimage.config/linux/amd64", []byte(`{"config":{"Env":["A=`+live+`"]}}`))
		}, []Leak{leak("image config", "containerimage.config/linux/amd64", "", "plain")}},
		{"SBOM, across two pieces", func(res *gateway.Result) {
			file.Ref = &built{files: map[string]string{"/sbom.json": long}}
			res.AddAttestation("linux/amd64", file)
		}, []Leak{leak("attestation", "/sbom.json", "", "plain")}},
		{"bundle", func(res *gateway.Result) {
			bundle.Ref = &built{files: map[string]string{"/all/a": "", "/all/b": fmt.Sprintf("%x", live)}}
			res.AddAttestation("linux/amd64", bundle)
		}, []Leak{leak("attestation", "/all/b", "", "hex")}},
		{"what an attestation says of itself", func(res *gateway.Result) {
			a := file
			a.Ref, a.Metadata = nil, map[string][]byte{"reason": []byte(live)}
			res.AddAttestation("linux/amd64", a)
		}, []Leak{leak("attestation", "reason", "", "plain")}},
	} {
		res, w := gateway.NewResult(), newWatch(nil)
		res.SetRef(&built{})
		c.make(res)
		err := gated(t, w, &reporting{}, res, false)
		if !slices.Equal(w.Leaks(), c.want) || errors.Is(err, regpass.ErrFound) != (c.want != nil) {
			t.Errorf("%s: %v, %v", c.name, err, w.Leaks())
		}
	}
	for name, a := range map[string]gateway.Attestation{
		"a file that is not there": {Kind: gatewaypb.AttestationKind_InToto, Path: "/none", Ref: &built{}},
		"more than can be searched": {Kind: gatewaypb.AttestationKind_InToto, Path: "/big",
			Ref: &built{files: map[string]string{"/big": strings.Repeat("x", maxAttestation+2*readChunk)}}},
	} {
		res := gateway.NewResult()
		res.AddAttestation("linux/amd64", a)
		if err := gated(t, newWatch(nil), &reporting{}, res, false); err == nil ||
			!strings.HasPrefix(err.Error(), "build: read the attestation ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
