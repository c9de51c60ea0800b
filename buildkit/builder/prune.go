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

// errInUse is the reason why a record stays in the builder's cache: another build shares it.
var errInUse = errors.New("something else there is using it")

// Prune deletes the chosen records, and those that are built on them, from the builder's cache. A nil chosen chooses
// none. Without this, the next build after a leak could take a layer with a token from the cache; it would be given no
// secret, and so would not know the token to look for. A record that another build shares is deleted only if that build
// has ended; it is then made again.
func (e Endpoint) Prune(ctx context.Context, env *regpass.Env, chosen func(*client.UsageInfo) bool) error {
	if chosen == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, deleteRecordTimeout)
	defer cancel()
	for wait := 20 * time.Millisecond; ; wait *= 2 {
		all, err := e.Client.DiskUsage(ctx)
		if err != nil {
			return pruneError(shown(err))
		}
		ids := withDependents(all, chosen)
		if len(ids) == 0 {
			return nil
		}
		if err := e.Client.Prune(ctx, nil, client.PruneAll, ids); err != nil {
			return pruneError(shown(err))
		}
		if err := env.Wait(ctx, wait); err != nil { // the builder may not have released all of it yet
			return pruneError(errInUse)
		}
	}
}

func pruneError(err error) error {
	return regpass.Hintf(fmt.Errorf("build: what this build made could not be deleted from the builder's cache: %w", err),
		"the next build may take a layer with the token from there: `docker buildx prune`")
}

// withDependents also selects the records built on top of the chosen ones: BuildKit does not prune a record that is
// still in use.
func withDependents(all []*client.UsageInfo, chosen func(*client.UsageInfo) bool) pruneFilter {
	in := map[string]bool{}
	for size := -1; size < len(in); {
		size = len(in)
		for _, r := range all {
			if chosen(r) || slices.ContainsFunc(r.Parents, func(id string) bool { return in[id] }) {
				in[r.ID] = true
			}
		}
	}
	var ids pruneFilter
	for id := range maps.Keys(in) {
		ids = append(ids, "id=="+id)
	}
	return ids
}

// pruneFilter selects the records that one of its filters matches (BuildKit, cache/manager.go, adaptUsageInfo).
type pruneFilter []string

// SetPruneOption restricts a prune to the selected records.
func (o pruneFilter) SetPruneOption(info *client.PruneInfo) { info.Filter = o }
