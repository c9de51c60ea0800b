package builder

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/moby/buildkit/client"

	"github.com/regpass/regpass"
)

// errInUse says why something stays in the builder's cache: another build shares it.
var errInUse = errors.New("something else there is using it")

// Prune deletes what is chosen from the builder's cache: else the next build would take a layer with a token in it
// from there, be given no secret, and have nothing to look for. What other builds on the builder make goes only if they
// did just the same, and is not in use; they make it again.
func (e Endpoint) Prune(ctx context.Context, env *regpass.Env, chosen func(*client.UsageInfo) bool) error {
	if chosen == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, forgets)
	defer cancel()
	for wait := 20 * time.Millisecond; ; wait *= 2 {
		all, err := e.Client.DiskUsage(ctx)
		if err != nil {
			return uncached(shown(err))
		}
		ids := over(all, chosen)
		if len(ids) == 0 {
			return nil
		}
		if err := e.Client.Prune(ctx, nil, client.PruneAll, ids); err != nil {
			return uncached(shown(err))
		}
		if err := env.Wait(ctx, wait); err != nil { // the builder may not have let go of all of it yet
			return uncached(errInUse)
		}
	}
}

func uncached(err error) error {
	return regpass.Hintf(fmt.Errorf("build: what this build made could not be deleted from the builder's cache: %w", err),
		"the next build may take a layer with the token from there: `docker buildx prune`")
}

// over are filters for the records that are chosen, and for those that lie over them: else they would hold them.
func over(all []*client.UsageInfo, chosen func(*client.UsageInfo) bool) only {
	in := map[string]bool{}
	for size := -1; size < len(in); {
		size = len(in)
		for _, r := range all {
			if chosen(r) || slices.ContainsFunc(r.Parents, func(id string) bool { return in[id] }) {
				in[r.ID] = true
			}
		}
	}
	var ids only
	for id := range maps.Keys(in) {
		ids = append(ids, "id=="+id)
	}
	return ids
}

// only are filters of which one must match (BuildKit, cache/manager.go, adaptUsageInfo).
type only []string

// SetPruneOption has nothing else deleted.
func (o only) SetPruneOption(info *client.PruneInfo) { info.Filter = o }
