package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/regpass/regpass"
)

// Leases lists the credentials that the session keeps. It needs no lock and does not wait.
func (s *Session) Leases() ([]Lease, error) {
	st, err := s.load()
	return st.Leases, err
}

// Changed lists the files that the session changed in place.
func (s *Session) Changed() ([]string, error) {
	st, err := s.load()
	var paths []string
	for _, r := range st.Journal {
		paths = append(paths, r.Path)
	}
	return paths, err
}

// Mint returns the session's credential with the key if it is fresh. Otherwise it mints a new one and keeps it. If
// several processes ask for one key at the same time, only one of them mints. mint gets the stale credential, or nil.
// If a credential was minted but could not be kept, Mint returns it together with the error, and the caller must revoke
// it.
func (s *Session) Mint(ctx context.Context, key string, least regpass.Least,
	mint func(context.Context, *Lease) (Lease, error)) (Lease, error) {
	if l, ok, err := s.fresh(key, least); ok || err != nil {
		return l, err
	}
	unlock, err := s.lockKey(ctx, key)
	if err != nil {
		return Lease{}, err
	}
	defer unlock()
	l, ok, err := s.fresh(key, least) // another process may have minted it while we waited
	if ok || err != nil {
		return l, err
	}
	var stale *Lease
	if l.Key != "" {
		stale = &l
	}
	minted, err := mint(ctx, stale)
	if err != nil {
		return Lease{}, err
	}
	minted.Key, minted.Minted = key, s.env.Now()
	return minted, s.Keep(minted)
}

// fresh looks for the credential with the key. A stale one is returned too, with ok false.
func (s *Session) fresh(key string, least regpass.Least) (l Lease, ok bool, err error) {
	all, err := s.Leases()
	if err != nil {
		return Lease{}, false, err
	}
	i := slices.IndexFunc(all, func(l Lease) bool { return l.Key == key })
	if i < 0 {
		return Lease{}, false, nil
	}
	return all[i], all[i].Cred.Fresh(s.env.Now(), all[i].Minted, least), nil
}

// keepTimeout is how long Keep waits for the session's lock.
const keepTimeout = 30 * time.Second

// Keep stores a credential under its key. It takes no context: a minted credential must be kept, and so be revocable,
// even if the caller's context has just ended.
func (s *Session) Keep(l Lease) error {
	ctx, cancel := context.WithTimeout(context.Background(), keepTimeout)
	defer cancel()
	return s.update(ctx, func(st *state) {
		st.Leases = slices.DeleteFunc(st.Leases, func(o Lease) bool { return o.Key == l.Key })
		st.Leases = append(st.Leases, l)
	})
}

// Key is the key of a credential: a hash of its registry, endpoint and scope and of the proof that it is made with.
func Key(registry, endpoint, scope, proof string, secret regpass.Secret) string {
	return hashOf(registry, endpoint, scope, proof, secret.Fingerprint())
}

// hashOf makes a file name of any text.
func hashOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:8])
}
