package buildkit

import (
	"context"
	"slices"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

// edge is one of the file systems that a step makes.
type edge struct {
	step  string // digest
	index int64
}

func edgeOf(in *pb.Input) edge { return edge{in.Digest, in.Index} }

// mergeAllStages is def with the layers of all its steps in one image: those of the result, and those of other stages.
// The layers stay as they are; nothing is merged on the builder's disk (BuildKit, docs/dev/merge-diff.md). Sources that
// no step changes are left out, since no step wrote their files.
func mergeAllStages(ctx context.Context, def *llb.Definition) (*llb.Definition, error) {
	last := len(def.Def) - 1
	ends, err := endsOf(def)
	if err != nil || len(ends) < 2 {
		return def, err
	}
	states := make([]llb.State, len(ends))
	for i, end := range ends {
		part, err := endingWith(def, def.Def[:last], end)
		if err != nil {
			return nil, err
		}
		op, err := llb.NewDefinitionOp(part.ToPB())
		if err != nil {
			return nil, err
		}
		states[i] = llb.NewState(op)
	}
	return llb.Merge(states).Marshal(ctx)
}

// completedParts lists what those commands of def made that are completed, as definitions which have the layers of all
// of them. What a completed step begins with is completed, too.
func completedParts(
	def *llb.Definition, completed func(described map[string]string) bool,
) ([]*llb.Definition, error) {
	var steps [][]byte
	var made []*pb.Input
	below := map[string]bool{}
	for _, dt := range slices.Backward(def.Def[:max(0, len(def.Def)-1)]) {
		var op pb.Op
		if err := op.Unmarshal(dt); err != nil {
			return nil, err
		}
		step := digest.FromBytes(dt)
		if op.GetExec() != nil && completed(def.Metadata[step].Description) {
			below[string(step)] = true
			for _, m := range op.GetExec().Mounts {
				if m.Output != int64(pb.SkipOutput) {
					made = append(made, &pb.Input{Digest: string(step), Index: m.Output})
				}
			}
		}
		if !below[string(step)] {
			continue
		}
		steps = append(steps, dt)
		for _, in := range op.Inputs {
			below[in.Digest] = true
		}
	}
	if made == nil {
		return nil, nil
	}
	slices.Reverse(steps)
	whole, err := endingWith(def, steps, made...)
	if err != nil {
		return nil, err
	}
	ends, err := endsOf(whole)
	if err != nil {
		return nil, err
	}
	var parts []*llb.Definition
	for _, end := range ends {
		part, err := endingWith(def, steps, end)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// endingWith is def with these steps alone, and with results of them.
func endingWith(def *llb.Definition, steps [][]byte, results ...*pb.Input) (*llb.Definition, error) {
	head, err := (&pb.Op{Inputs: results}).Marshal()
	return &llb.Definition{Def: append(slices.Clip(steps), head), Metadata: def.Metadata, Source: def.Source}, err
}

// endsOf lists the file systems of def whose layers are not all in another one, the result's first.
func endsOf(def *llb.Definition) ([]*pb.Input, error) {
	var ends []*pb.Input
	wanted, below := map[edge]bool{}, map[edge]bool{} // inputs of steps, and those that lie below another
	sources := map[string]bool{}
	for _, dt := range slices.Backward(def.Def) { // a step comes before those that use its output
		var op pb.Op
		if err := op.Unmarshal(dt); err != nil {
			return nil, err
		}
		step := string(digest.FromBytes(dt))
		sources[step] = op.GetSource() != nil
		for _, i := range basesOf(&op, func(index int64) bool { return wanted[edge{step, index}] }) {
			if i >= 0 && i < int64(len(op.Inputs)) {
				below[edgeOf(op.Inputs[i])] = true
			}
		}
		for _, in := range op.Inputs {
			if e := edgeOf(in); !wanted[e] {
				wanted[e] = true
				ends = append(ends, in)
			}
		}
	}
	return slices.DeleteFunc(ends, func(in *pb.Input) bool { return below[edgeOf(in)] || sources[in.Digest] }), nil
}

// basesOf lists the inputs of op, by index, whose layers lie below those of its wanted outputs.
func basesOf(op *pb.Op, wanted func(index int64) bool) (inputs []int64) {
	for _, m := range op.GetExec().GetMounts() {
		if m.Output != int64(pb.SkipOutput) && wanted(m.Output) {
			inputs = append(inputs, m.Input)
		}
	}
	for _, a := range op.GetFile().GetActions() {
		inputs = append(inputs, a.Input)
	}
	for _, m := range op.GetMerge().GetInputs() {
		inputs = append(inputs, m.Input)
	}
	return inputs
}
