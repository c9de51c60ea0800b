package builder

import (
	"slices"
	"testing"

	"github.com/moby/buildkit/client"
)

func TestPruneTakesWhatIsBuiltOnTop(t *testing.T) {
	all := []*client.UsageInfo{
		{ID: "merged", Parents: []string{"other", "third"}},
		{ID: "third", Parents: []string{"second"}},
		{ID: "second", Parents: []string{"base"}, Description: "leaks"},
		{ID: "other", Parents: []string{"base"}},
		{ID: "base"},
	}
	got := withDependents(all, func(r *client.UsageInfo) bool { return r.Description == "leaks" })
	slices.Sort(got)
	if want := []string{"id==merged", "id==second", "id==third"}; !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
	if got := withDependents(all, func(*client.UsageInfo) bool { return false }); got != nil {
		t.Errorf("%q", got)
	}
}
