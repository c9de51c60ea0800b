package plan

import (
	"testing"

	"github.com/moby/buildkit/client"
)

func TestCachesAll(t *testing.T) {
	for mode, want := range map[string]bool{"": false, "min": false, "max": true} {
		p := &Plan{}
		p.Opt.CacheExports = []client.CacheOptionsEntry{{Type: "inline"},
			{Type: "local", Attrs: map[string]string{"mode": mode}}}
		if p.CachesAllStages() != want {
			t.Errorf("mode=%s: %v", mode, !want)
		}
	}
}
