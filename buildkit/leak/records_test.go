package leak

import (
	"testing"
	"time"

	"github.com/moby/buildkit/client"
)

func TestLeakedRecordsAreWhatABuildMadeAndWhatLeaked(t *testing.T) {
	began := time.Now()
	w := newWatch(nil)
	w.steps["mount / from exec a"], w.steps["mount / from exec b"] = "[1/2] RUN a", "[2/2] RUN b"
	if w.LeakedRecords(time.Time{}, nil) != nil {
		t.Error("something is chosen though no step began")
	}
	w.leaks.all = []Leak{{Where: inOutput}, {Where: inImage, By: "[2/2] RUN b"}}
	chosen := w.LeakedRecords(began, map[string]bool{"[1/2] RUN a": true})
	for _, c := range []struct {
		by   string
		age  time.Duration
		want bool
	}{
		{"mount / from exec a", 0, true},
		{"mount / from exec a", time.Hour, false}, // taken from the cache
		{"mount / from exec b", 0, true},
		{"mount / from exec b", time.Hour, true}, // so was this, and it wrote the token
		{"mount / from exec c", 0, false},        // of another build
	} {
		if got := chosen(&client.UsageInfo{Description: c.by, CreatedAt: began.Add(-c.age)}); got != c.want {
			t.Errorf("%+v", c)
		}
	}
}
