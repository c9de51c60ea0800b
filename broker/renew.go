package broker

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// minRenewPause is the shortest pause between two attempts to replace a credential, also where a server makes tokens
// that have nearly ended: each attempt is a request, a line of the log and one more secret to redact.
const minRenewPause = time.Second

// Renew replaces the credentials of a running command before they end, and calls changed with all of them each time it
// has. It returns when ctx ends or when nothing is left that can be replaced.
func (b *Broker) Renew(ctx context.Context, all []Lease, changed func(context.Context, []Lease) error) {
	all = slices.Clone(all)
	failed := map[int]bool{}
	for {
		now := b.env.Now()
		next := b.nextRenewal(all, failed, now)
		if next.IsZero() || b.env.Wait(ctx, max(next.Sub(now), minRenewPause)) != nil {
			return
		}
		if !b.replaceDue(ctx, all, failed) {
			continue
		}
		if err := changed(ctx, all); err != nil && ctx.Err() == nil {
			b.report.Warn(fmt.Errorf("the command's credential files are not fresh: %w", err))
		}
	}
}

// nextRenewal is the moment of the next attempt; zero: there is none.
func (b *Broker) nextRenewal(all []Lease, failed map[int]bool, now time.Time) (next time.Time) {
	for i, l := range all {
		at := l.Cred.RefreshAt(l.Minted, b.options.Least)
		if at.IsZero() || !l.Renewable {
			continue
		}
		if failed[i] { // a tenth of what is left, so that tries get closer as the end comes
			at = now.Add(max(minRenewPause, l.Cred.Expires.Sub(now)/10))
		}
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}

// replaceDue gets a new credential for each that is due, and reports whether it got one.
func (b *Broker) replaceDue(ctx context.Context, all []Lease, failed map[int]bool) (changed bool) {
	for i, l := range all {
		if l.Cred.Fresh(b.env.Now(), l.Minted, b.options.Least) || !l.Renewable {
			continue
		}
		fresh, err := b.Credential(ctx, l.Target.Ref)
		switch {
		case ctx.Err() != nil:
			return changed
		case err != nil:
			if !failed[i] {
				b.report.Warn(fmt.Errorf("the credential for %s ends at %s and could not be replaced yet: %w",
					l.Target.Ref, l.Cred.Expires.Format(time.TimeOnly), err))
			}
			failed[i] = true
		case fresh.Cred.Secret.Fingerprint() == l.Cred.Secret.Fingerprint(): // it is used on, which was said
			failed[i] = true
		default:
			all[i], changed = fresh, true
			delete(failed, i)
		}
	}
	return changed
}
