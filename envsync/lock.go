package envsync

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gofrs/flock"

	"github.com/regpass/regpass"
)

// errBusy is tryLock's answer when somebody holds the lock.
var errBusy = errors.New("in use")

// tryLock takes a lock file now or not at all.
func tryLock(path string) (unlock func(), err error) {
	l := flock.New(path, flock.SetPermissions(0o600))
	ok, err := l.TryLock()
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errBusy
	}
	return func() { _ = l.Unlock() }, nil
}

// lock waits for a lock file of the session, until ctx ends. A session that was removed meanwhile is an error.
func (s *Session) lock(ctx context.Context, name string) (unlock func(), err error) {
	path := s.Dir + string(os.PathSeparator) + name
	l := flock.New(path, flock.SetPermissions(0o600))
	if ok, err := l.TryLockContext(ctx, 20*time.Millisecond); err != nil || !ok {
		if ctx.Err() != nil {
			return nil, regpass.Hintf(fmt.Errorf("session: another regpass is still at work in %s", s.Dir), "wait for it, or end it; then try again")
		}
		return nil, fmt.Errorf("session: lock: %w", err)
	}
	// The folder may have been removed while we waited: then our lock is on a file that nobody else will see.
	held, err1 := l.Stat()
	now, err2 := os.Stat(path)
	if err1 != nil || err2 != nil || !os.SameFile(held, now) {
		_ = l.Unlock()
		return nil, fmt.Errorf("session: %s was ended by a logout meanwhile", s.Dir)
	}
	return func() { _ = l.Unlock() }, nil
}
