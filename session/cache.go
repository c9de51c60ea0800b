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

// Mint returns the session's credential with the key if it is fresh, and else mints one and keeps it. Of several
// processes that ask for one key at a time only one does. mint gets the stale credential, if there is one. A credential
// that was minted but could not be kept comes back together with the error, for the caller to revoke.
func (s *Session) Mint(ctx context.Context, key string, minLife time.Duration, mint func(context.Context, *Lease) (Lease, error)) (Lease, error) {
	if l, ok, err := s.fresh(key, minLife); ok || err != nil {
		return l, err
	}
	unlock, err := s.lockKey(ctx, key)
	if err != nil {
		return Lease{}, err
	}
	defer unlock()
	l, ok, err := s.fresh(key, minLife) // another process may have made it while we waited
	if ok || err != nil {
		return l, err
	}
	var stale *Lease
	if l.Key != "" {
		stale = &l
	}
	made, err := mint(ctx, stale)
	if err != nil {
		return Lease{}, err
	}
	made.Key, made.Minted = key, s.env.Now()
	return made, s.Keep(made)
}

// fresh looks for the credential with the key. It returns a stale one too, with ok false.
func (s *Session) fresh(key string, minLife time.Duration) (l Lease, ok bool, err error) {
	all, err := s.Leases()
	if err != nil {
		return Lease{}, false, err
	}
	i := slices.IndexFunc(all, func(l Lease) bool { return l.Key == key })
	if i < 0 {
		return Lease{}, false, nil
	}
	return all[i], all[i].Cred.Fresh(s.env.Now(), all[i].Minted, minLife), nil
}

// Keep stores a credential under its key. It does so even when ctx has just ended: what was minted must be revocable.
func (s *Session) Keep(l Lease) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	unlock, err := s.lock(ctx, lockName)
	if err != nil {
		return err
	}
	defer unlock()
	st, err := s.load()
	if err != nil {
		return err
	}
	st.Leases = slices.DeleteFunc(st.Leases, func(o Lease) bool { return o.Key == l.Key })
	st.Leases = append(st.Leases, l)
	return s.save(st)
}

// Key names a credential by what it is for and the proof it is made with, without showing either.
func Key(registry, endpoint, scope, proof string, secret regpass.Secret) string {
	return keyOf(registry, endpoint, scope, proof, secret.Fingerprint())
}

// keyOf makes a file name of any text.
func keyOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:8])
}
