package sts

import (
	"sync"
	"time"
)

// sweepInterval is how often a table is searched for what has expired, at most.
const sweepInterval = time.Minute

// expiring is a table whose entries end by themselves and that never holds more than max. Nothing runs in the
// background: whoever adds an entry sweeps now and then.
type expiring[K comparable, V any] struct {
	max   int
	evict bool // when full, drop some entry instead of refusing a new one; only for what can be made again

	mu    sync.Mutex
	rows  map[K]row[V]
	sweep time.Time // when to sweep next
}

type row[V any] struct {
	value V
	until time.Time
}

func newExpiring[K comparable, V any](limit int) *expiring[K, V] {
	return &expiring[K, V]{max: limit, rows: map[K]row[V]{}}
}

// newCache makes a table that forgets when full.
func newCache[K comparable, V any](limit int) *expiring[K, V] {
	e := newExpiring[K, V](limit)
	e.evict = true
	return e
}

// get returns what is known of key at now.
func (e *expiring[K, V]) get(key K, now time.Time) (V, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r, ok := e.rows[key]
	if !ok || !now.Before(r.until) {
		return *new(V), false
	}
	return r.value, true
}

// take returns what is known of key at now and forgets it.
func (e *expiring[K, V]) take(key K, now time.Time) (V, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r, ok := e.rows[key]
	delete(e.rows, key)
	if !ok || !now.Before(r.until) {
		return *new(V), false
	}
	return r.value, true
}

// outcome of add and set.
type outcome int

const (
	added outcome = iota
	known         // add: the key is there already
	full          // the table holds max entries that have not expired
)

// add records a new key until a time, unless it is there.
func (e *expiring[K, V]) add(key K, v V, until, now time.Time) outcome {
	return e.put(key, v, until, now, false)
}

// set records a key until a time, new or not.
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
				delete(e.rows, k)
			}
		}
	}
	if _, ok := e.rows[key]; !ok && len(e.rows) >= e.max {
		if !e.evict {
			return full
		}
		for k := range e.rows {
			delete(e.rows, k)
			break
		}
	}
	e.rows[key] = row[V]{v, until}
	return added
}

// drop forgets key.
func (e *expiring[K, V]) drop(key K) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.rows, key)
}
