package leak

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

// nameKey is the description under which BuildKit keeps the name of a step (llb.WithCustomName).
const nameKey = "llb.customname"

// Definition returns all the steps that make r.
func Definition(ctx context.Context, r gateway.Reference) (*llb.Definition, error) {
	state, err := r.ToState()
	if err != nil {
		return nil, fmt.Errorf("build: read the definition: %w", err)
	}
	def, err := state.Marshal(ctx)
	if err != nil {
		return nil, fmt.Errorf("build: read the definition: %w", err)
	}
	return def, nil
}

// definitions searches the steps that make res, remembers their names, and passes the steps on to seen.
func (w *Watch) definitions(ctx context.Context, res *gateway.Result, seen func(*pb.Definition)) error {
	return res.EachRef(func(r gateway.Reference) error {
		def, err := Definition(ctx, r)
		if err != nil {
			return err
		}
		w.definition(def.ToPB())
		seen(def.ToPB())
		w.made = append(w.made, def)
		return nameSteps(def, w.steps)
	})
}

// definition searches each step, with its commands, variables and sources, and the Dockerfile. The builder writes them
// into its own record of the build and, with mode=max, into the provenance (BuildKit,
// solver/llbsolver/provenance/types). The other part of a provenance, the options of the build, was searched by
// Arguments before the build began. One place is enough for each token, since a variable is in all steps that follow.
func (w *Watch) definition(def *pb.Definition) {
	seen := map[string]bool{} // fingerprints
	report := func(text []byte, where, name string, step digest.Digest) {
		for _, f := range w.known.Find(text) {
			if !seen[f.Fingerprint] {
				seen[f.Fingerprint] = true
				w.leaks.add(f, where, name, step)
			}
		}
	}
	for _, file := range def.GetSource().GetInfos() {
		report([]byte(file.Filename+"\x00"+string(file.Data)), inSource, w.Redact(file.Filename), "")
		w.definition(file.Definition) // the steps that fetch the file
	}
	for _, op := range def.GetDef() { // an encoding that keeps texts as they are
		step := digest.FromBytes(op)
		described := def.Metadata[string(step)].GetDescription()
		name := w.Redact(described[nameKey])
		report(op, inDefinition, name, step)
		for _, key := range slices.Sorted(maps.Keys(described)) {
			report([]byte(described[key]), inDefinition, name, step)
		}
	}
}

// nameSteps adds the names of a definition's steps. Its keys are the texts with which BuildKit's cache and, by default,
// an image's history describe the steps (BuildKit, solver/llbsolver/ops/exec.go and file.go, and
// exporter/containerimage/writer.go, getRefMetadata).
func nameSteps(def *llb.Definition, steps map[string]string) error {
	for _, dt := range def.Def {
		var op pb.Op
		if err := op.Unmarshal(dt); err != nil {
			return fmt.Errorf("build: read the definition: %w", err)
		}
		name := def.Metadata[digest.FromBytes(dt)].Description[nameKey]
		if name != "" {
			steps[name] = name
		}
		exec := op.GetExec()
		for _, m := range exec.GetMounts() {
			steps["mount "+m.Dest+" from exec "+strings.Join(exec.GetMeta().GetArgs(), " ")] = name
		}
	}
	return nil
}
