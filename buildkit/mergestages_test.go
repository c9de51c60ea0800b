package buildkit

import (
	"slices"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

// step is one called name on a state.
func step(s llb.State, name string, opts ...llb.RunOption) llb.ExecState {
	return s.Run(append(opts, llb.Args([]string{"sh", "-c", name}), llb.WithCustomName(name))...)
}

func TestMergeAllStagesHasTheLayersOfAllStages(t *testing.T) {
	base := llb.Image("base")
	build := step(step(base, "build 1").Root(), "build 2").Root()
	other := step(base, "other").Root()
	rooted := step(build, "rooted")
	kept := rooted.AddMount("/out", other)
	copied := func(on, from llb.State, name string) llb.State {
		return on.File(llb.Copy(from, "/a", "/a"), llb.WithCustomName(name))
	}
	for _, c := range []struct {
		name string
		made llb.State
		want []string // the steps whose layers are put together; nil: the definition stays as it is
	}{
		{"one stage", build, nil},
		{"a stage on another", step(build, "last").Root(), nil},
		{"files of the machine and of an image", copied(copied(build, llb.Local("context"), "copy 1"), llb.Image("tool"),
			"copy 2"), nil},
		{"a file of a stage", copied(base, build, "copy"), []string{"copy", "build 2"}},
		{"a file of a stage that another begins with", copied(step(build, "last").Root(), build, "copy"), nil},
		{"a stage that is mounted", step(base, "last", llb.AddMount("/mnt", build, llb.Readonly)).Root(),
			[]string{"last", "build 2"}},
		{"a stage that is mounted and written to in vain", step(base, "last",
			llb.AddMount("/mnt", build, llb.ForceNoOutput)).Root(), []string{"last", "build 2"}},
		{"what is written to a mount", kept, []string{"rooted", "build 2"}},
		{"what is written to a mount, and the rest", copied(rooted.Root(), kept, "copy"), []string{"copy", "rooted"}},
		{"two stages put together", llb.Merge([]llb.State{build, other}), nil},
		{"a stage of a stage", copied(base, copied(other, build, "copy 1"), "copy 2"),
			[]string{"copy 2", "copy 1", "build 2"}},
		{"what a stage adds", llb.Merge([]llb.State{other, llb.Diff(base, build, llb.WithCustomName("diff"))},
			llb.WithCustomName("merge")), []string{"merge", "build 2"}},
	} {
		def, err := c.made.Marshal(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all, err := mergeAllStages(t.Context(), def)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		if all != def {
			op := lastOf(t, all)
			for _, in := range op.Inputs {
				got = append(got, all.Metadata[digest.Digest(in.Digest)].Description["llb.customname"])
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: the layers of %q, not %q", c.name, got, c.want)
		}
	}
}

// lastOf is the step that makes what def is of, a merge.
func lastOf(t *testing.T, def *llb.Definition) *pb.Op {
	t.Helper()
	head, err := def.Head()
	if err != nil {
		t.Fatal(err)
	}
	for _, dt := range def.Def {
		var op pb.Op
		if digest.FromBytes(dt) != head {
			continue
		}
		if err := op.Unmarshal(dt); err != nil || op.GetMerge() == nil {
			t.Fatalf("%v: %v", &op, err)
		}
		return &op
	}
	t.Fatal("it has no last step")
	return nil
}

func TestCompletedPartsHaveAllThatIsCompleted(t *testing.T) {
	base := llb.Image("base")
	build := step(step(base, "build 1").Root(), "build 2").Root()
	other := step(base, "other").Root()
	last := step(other.File(llb.Copy(build, "/a", "/a"), llb.WithCustomName("copy")), "last").Root()
	def, err := last.Marshal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ completed, want []string }{
		{nil, nil},
		{[]string{"copy"}, nil}, // no command
		{[]string{"build 1"}, []string{"build 1"}},
		{[]string{"build 1", "build 2"}, []string{"build 2"}},
		{[]string{"build 1", "other"}, []string{"build 1", "other"}},
		{[]string{"build 1", "build 2", "other", "copy", "last"}, []string{"build 2", "last"}},
	} {
		parts, err := completedParts(def, func(described map[string]string) bool {
			return slices.Contains(c.completed, described["llb.customname"])
		})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, part := range parts {
			head, err := part.Head()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, part.Metadata[head].Description["llb.customname"])
		}
		if slices.Sort(got); !slices.Equal(got, c.want) {
			t.Errorf("of %q: %q, not %q", c.completed, got, c.want)
		}
	}
}
