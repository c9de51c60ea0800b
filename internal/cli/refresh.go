package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/regpass/regpass/session"
)

// soonest is the shortest pause between two attempts to replace a credential.
const soonest = time.Second

// keepFresh replaces the credentials of a running command before they end, and rewrites its private files by rename,
// so that a reader sees the old credential or the new one. Variables can't change in a process that runs. It returns
// when ctx ends or nothing is left that can be replaced.
func (a *app) keepFresh(ctx context.Context, s, sub *session.Session, all []held, p *proofFlags, sinks *sinkFlags) {
	all = slices.Clone(all)
	failed := map[int]bool{}
	for {
		now := a.env.Now()
		var next time.Time
		for i, h := range all {
			at := h.login.Cred.RefreshAt(h.login.Minted, p.minLifetime)
			if at.IsZero() || !h.again {
				continue
			}
			if failed[i] { // a tenth of what is left, so that tries get closer as the end comes
				at = now.Add(max(soonest, h.login.Cred.Expires.Sub(now)/10))
			}
			if next.IsZero() || at.Before(next) {
				next = at
			}
		}
		if next.IsZero() || a.env.Wait(ctx, max(next.Sub(now), 0)) != nil {
			return
		}
		if changed := a.replace(ctx, s, all, failed, p); !changed {
			continue
		}
		plan, err := sinks.plan(a, sub, all)
		if err == nil {
			err = sub.Apply(ctx, plan.Changes, plan.files()...)
		}
		if err != nil && ctx.Err() == nil {
			a.say.warn(fmt.Errorf("the command's credential files are not fresh: %w", err))
		}
	}
}

// replace gets a new credential for each that is due.
func (a *app) replace(ctx context.Context, s *session.Session, all []held, failed map[int]bool, p *proofFlags) (changed bool) {
	for i, h := range all {
		if h.login.Cred.Fresh(a.env.Now(), h.login.Minted, p.minLifetime) || !h.again {
			continue
		}
		fresh, err := a.credential(ctx, s, h.ref, p)
		switch {
		case ctx.Err() != nil:
			return changed
		case err != nil:
			if !failed[i] {
				a.say.warn(fmt.Errorf("the credential for %s ends at %s and could not be replaced yet: %w", h.ref, h.login.Cred.Expires.Format(time.TimeOnly), err))
			}
			failed[i] = true
		default:
			all[i], changed = fresh, true
			delete(failed, i)
		}
	}
	return changed
}
