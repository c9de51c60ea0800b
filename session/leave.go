package session

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/gofrs/flock"
)

// Made reports whether the session began with this process.
func (s *Session) Made() bool { return s.made }

// join marks the session as used by this process. The error is errReplaced if the folder has just been removed.
func (s *Session) join(ctx context.Context) error {
	if runtime.GOOS == "windows" { // it cannot remove a file that is open, as every logout would have to
		return nil
	}
	path := filepath.Join(s.Dir, usedName)
	s.used = flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))
	ok, err := s.used.TryRLockContext(ctx, lockPoll) // waits for a Leave
	switch {
	case !ok && ctx.Err() != nil:
		return s.atWork()
	case err != nil:
		return fmt.Errorf("session: %s: %w", s.Dir, errReplaced)
	}
	held, err1 := s.used.Stat()
	now, err2 := s.root.Lstat(usedName)
	if err1 != nil || err2 != nil || !os.SameFile(held, now) {
		_ = s.used.Unlock()
		return fmt.Errorf("session: %s: %w", s.Dir, errReplaced)
	}
	return nil
}

// Leave ends this process's use of a session that Start returned. A session that began with this process, holds nothing
// and is used by no other process is removed, so that a run that failed leaves no folder.
func (s *Session) Leave() error {
	if !s.made || s.used == nil {
		return nil
	}
	_ = s.used.Unlock()
	release, err := tryLock(filepath.Join(s.Dir, usedName))
	if err != nil {
		return nil // it is in use, or has ended
	}
	defer release()
	unlock, err := tryLock(filepath.Join(s.Dir, lockName))
	if err != nil {
		return nil
	}
	defer unlock()
	all, err := s.list()
	holds := func(name string) bool {
		return name != lockName && name != usedName && !strings.HasPrefix(name, mintName)
	}
	if err != nil || slices.ContainsFunc(all, holds) {
		return nil
	}
	_, err = s.remove(unlock, false, nil)
	return err
}
