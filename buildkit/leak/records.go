package leak

import (
	"time"

	"github.com/moby/buildkit/client"
)

// LeakedRecords selects the records of the builder's cache to prune after a leak:
//   - records that a step of this build completed since began, when the build's first step did, by the builder's clock;
//   - records of any age made by a step that wrote a token, since this build may have reused them.
//
// completed has the names of the steps that came to their end. Unfinished steps are left alone: no later build can
// reuse their results. The filter is nil if began is zero, since then no step began.
func (w *Watch) LeakedRecords(began time.Time, completed map[string]bool) func(*client.UsageInfo) bool {
	if began.IsZero() {
		return nil
	}
	wrote := map[string]bool{}
	for _, l := range w.Leaks() {
		wrote[l.By] = l.By != ""
	}
	return func(r *client.UsageInfo) bool {
		name, ours := w.steps[r.Description]
		return ours && (completed[name] && !r.CreatedAt.Before(began) || wrote[w.Redact(name)])
	}
}
