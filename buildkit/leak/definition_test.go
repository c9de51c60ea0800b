package leak

import (
	"maps"
	"testing"

	"github.com/moby/buildkit/client/llb"
)

func TestNameSteps(t *testing.T) {
	s := llb.Image("base").Run(llb.Args([]string{"sh", "-c", "echo  a"}), llb.WithCustomName("[2/2] RUN echo  a"),
		llb.AddMount("/out", llb.Scratch())).Root()
	def, err := s.File(llb.Mkdir("/a", 0o700), llb.WithCustomName("MKDIR")).Marshal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const echo = "[2/2] RUN echo  a"
	want := map[string]string{"mount / from exec sh -c echo  a": echo, "mount /out from exec sh -c echo  a": echo,
		echo: echo, "MKDIR": "MKDIR"}
	steps := map[string]string{}
	if err := nameSteps(def, steps); err != nil || !maps.Equal(steps, want) {
		t.Errorf("%q, %v", steps, err)
	}
}
