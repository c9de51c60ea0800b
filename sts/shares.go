package sts

import (
	"sync"
	"time"
)

// The tables of tokens are shared out: nobody's key and no job fills the part of another. Every token that a policy
// grants leaves a row in the table of used identities for as long as it lives, so that table, which refuses to mint
// when it is full, is also what keeps the table of revoked tokens from being full.
const (
	maxTokens   = 1_000_000 // used identities and revoked tokens each, of all keys and policies together
	leastTokens = 10_000    // of one key or policy
	maxLogins   = 1_000     // approved and not fetched yet
	leastLogins = 20
	maxFamilies = 10_000 // logins that can refresh
	leastFamily = 100
	maxUploads  = 16 // of one key or policy at once: each has a file
	maxFetching = 16 // pages that are read from upstreams for one at once: each may have maxPage bytes
	maxSending  = 16 // long pages that are sent to one at once: each is in memory until the client has read it
)

// share is the part of a table that each of n owners has.
func share(all, least, n int) int { return max(all/max(n, 1), least) }

// revocations are the ended tokens of one key or policy.
type revocations struct {
	ended *expiring[string, struct{}] // jti, or sid of a whole login

	mu    sync.Mutex
	until time.Time // tokens issued up to then have ended, too
}

func newRevocations(limit int) *revocations {
	return &revocations{ended: newExpiring[string, struct{}](limit)}
}

// revoke ends the tokens with this jti or sid; they would expire at until. It cannot fail: if there is no room, all
// tokens of the key or policy that were issued until now end.
func (r *revocations) revoke(id string, until, now time.Time) (all bool) {
	if r.ended.set(id, struct{}{}, until, now) != full {
		return false
	}
	r.mu.Lock()
	r.until = now
	r.mu.Unlock()
	r.ended.clear() // only now: has looks at the table first
	return true
}

// has reports whether a token has ended.
func (r *revocations) has(who *claims, now time.Time) bool {
	for _, id := range []string{who.ID, who.Session} {
		if _, gone := r.ended.get(id, now); gone && id != "" {
			return true
		}
	}
	return r.covers(who.IssuedAt.Time)
}

// covers reports whether tokens issued at a time have ended. Tokens know whole seconds only.
func (r *revocations) covers(issued time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.until.IsZero() && issued.Unix() <= r.until.Unix()
}

// slots bound what each key or policy does at once.
type slots struct {
	max int

	mu   sync.Mutex
	held map[string]int
}

func newSlots(limit int) *slots { return &slots{max: limit, held: map[string]int{}} }

// enter takes a slot of the owner, if there is one. The caller must leave it.
func (s *slots) enter(owner string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[owner] >= s.max {
		return false
	}
	s.held[owner]++
	return true
}

func (s *slots) leave(owner string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[owner]--; s.held[owner] == 0 {
		delete(s.held, owner)
	}
}
