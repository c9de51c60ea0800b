package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/regpass/regpass"
)

var (
	// errBusy means that another process holds the lock.
	errBusy = errors.New("in use")
	// errEnded means that a logout has removed the session.
	errEnded = errors.New("the session was ended by a logout meanwhile")
)

// lockPoll is how often a process that waits for a lock tries again.
const lockPoll = 20 * time.Millisecond

// fileLock is a lock file that must exist already: one that was created again after a logout would keep the folder.
func fileLock(path string) *flock.Flock { return flock.New(path, flock.SetFlag(os.O_RDWR)) }

// tryLock takes a lock file now or not at all.
func tryLock(path string) (unlock func(), err error) {
	l := fileLock(path)
	ok, err := l.TryLock()
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errBusy
	}
	return func() { _ = l.Unlock() }, nil
}

// lock waits for a lock file of the session, until ctx ends. The error is errEnded if a logout removed it.
func (s *Session) lock(ctx context.Context, name string) (unlock func(), err error) {
	l := fileLock(filepath.Join(s.Dir, name))
	ok, err := l.TryLockContext(ctx, lockPoll)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, s.ended()
	case ctx.Err() != nil && !ok:
		return nil, s.atWork()
	case err != nil:
		return nil, fmt.Errorf("session: lock: %w", err)
	}
	// The file may have been removed while we waited: then no other process can see that we hold the lock.
	held, err1 := l.Stat()
	now, err2 := s.root.Lstat(name)
	if err1 != nil || err2 != nil || !os.SameFile(held, now) {
		_ = l.Unlock()
		return nil, s.ended()
	}
	return func() { _ = l.Unlock() }, nil
}

// atWork is the error that a process holds a lock for too long: a long clean-up, or one that was stopped.
func (s *Session) atWork() error {
	err := fmt.Errorf("session: another regpass is still at work in %s", s.Dir)
	return regpass.Hintf(err, "wait for it, or end it; then try again")
}

func (s *Session) ended() error {
	return regpass.Hintf(fmt.Errorf("session: %s: %w", s.Dir, errEnded), "log in again")
}

// lockKey waits for the lock on minting the credential with the key.
func (s *Session) lockKey(ctx context.Context, key string) (unlock func(), err error) {
	name := mintName + hashOf(key)
	unlock, err = s.lock(ctx, lockName)
	if err != nil {
		return nil, err
	}
	f, err := s.root.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = f.Close()
	}
	unlock()
	if err != nil {
		return nil, fmt.Errorf("session: lock: %w", err)
	}
	return s.lock(ctx, name)
}
