package sts

import (
	"sync"
	"time"
)

// sweepInterval is the shortest time between two searches of a table for expired entries.
const sweepInterval = time.Minute

// expiring is a table of at most max entries, each with an expiry. It has no goroutine: put sweeps now and then.
type expiring[K comparable, V any] struct {
	max   int
	evict bool        // when full, drop arbitrary entries instead of refusing a new one; for caches only
	size  func(V) int // what an entry counts for; nil: 1
	share int         // entries that an owner may have, if there are owners
	owner func(V) string

	mu    sync.Mutex
	rows  map[K]row[V]
	held  int // what all entries count for
	owned map[string]int
	sweep time.Time // when to sweep next
}

type row[V any] struct {
	value V
	until time.Time
	size  int
}

func newExpiring[K comparable, V any](limit int) *expiring[K, V] {
	return &expiring[K, V]{max: limit, rows: map[K]row[V]{}}
}

// newShared makes a table of which each owner may fill its share only.
func newShared[K comparable, V any](share, owners int, owner func(V) string) *expiring[K, V] {
	e := newExpiring[K, V](share * owners)
	e.share, e.owner, e.owned = share, owner, map[string]int{}
	return e
}

// newCache makes a table that drops entries when it is full.
func newCache[K comparable, V any](limit int) *expiring[K, V] {
	e := newExpiring[K, V](limit)
	e.evict = true
	return e
}

// get returns the entry for key unless it has expired.
func (e *expiring[K, V]) get(key K, now time.Time) (V, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r, ok := e.rows[key]
	if !ok || !now.Before(r.until) {
		return *new(V), false
	}
	return r.value, true
}

// take removes the entry for key and returns it unless it has expired.
func (e *expiring[K, V]) take(key K, now time.Time) (V, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r, ok := e.rows[key]
	e.remove(key)
	if !ok || !now.Before(r.until) {
		return *new(V), false
	}
	return r.value, true
}

// outcome is the result of add and set.
type outcome int

const (
	added outcome = iota
	known         // add: the key is in the table already
	full          // the table or the owner's share holds all that it may, or the entry alone is too large
)

// add stores an entry unless the table has one for key.
func (e *expiring[K, V]) add(key K, v V, until, now time.Time) outcome {
	return e.put(key, v, until, now, false)
}

// set stores an entry and replaces any other for key.
func (e *expiring[K, V]) set(key K, v V, until, now time.Time) outcome {
	return e.put(key, v, until, now, true)
}

func (e *expiring[K, V]) put(key K, v V, until, now time.Time, replace bool) outcome {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r, ok := e.rows[key]; ok && now.Before(r.until) && !replace {
		return known
	}
	if !now.Before(e.sweep) {
		e.sweep = now.Add(sweepInterval)
		for k, r := range e.rows {
			if !now.Before(r.until) {
				e.remove(k)
			}
		}
	}
	size := 1
	if e.size != nil {
		size = e.size(v)
	}
	room := e.max - size + e.rows[key].size
	if size > e.max || e.held > room && !e.evict {
		return full
	}
	if e.owner != nil && e.owned[e.owner(v)] >= e.share {
		return full
	}
	e.remove(key)
	for k := range e.rows {
		if e.held+size <= e.max {
			break
		}
		e.remove(k)
	}
	e.rows[key] = row[V]{v, until, size}
	e.held += size
	if e.owner != nil {
		e.owned[e.owner(v)]++
	}
	return added
}

// remove removes the entry for key. The caller holds the lock.
func (e *expiring[K, V]) remove(key K) {
	r, ok := e.rows[key]
	if !ok {
		return
	}
	e.held -= r.size
	delete(e.rows, key)
	if e.owner == nil {
		return
	}
	of := e.owner(r.value)
	if e.owned[of]--; e.owned[of] == 0 {
		delete(e.owned, of)
	}
}

// clear removes all entries.
func (e *expiring[K, V]) clear() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.rows)
	e.held = 0
}

// drop removes the entry for key.
func (e *expiring[K, V]) drop(key K) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.remove(key)
}
