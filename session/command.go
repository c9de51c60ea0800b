package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// Sub makes a session inside this one for one running command, and first removes those of commands that were killed. A
// lock is held in it while the command runs; the system releases the lock of a killed command. end removes the session.
// If a logout has come meanwhile and this was the last command, end completes the logout too.
func (s *Session) Sub(ctx context.Context) (sub *Session, end func(context.Context, Revoke) []error, err error) {
	unlock, err := s.lock(ctx, lockName)
	if err != nil {
		return nil, nil, err
	}
	defer unlock()
	s.sweep() // logout reports what could not be removed
	sub, err = Open(s.env, filepath.Join(s.Dir, subName+rand.Text()))
	if err != nil {
		return nil, nil, err
	}
	if err := create(sub.root, aliveName, nil, 0o600, volatile); err != nil {
		return nil, nil, fmt.Errorf("session: %w", err)
	}
	release, err := tryLock(filepath.Join(sub.Dir, aliveName))
	if err != nil {
		return nil, nil, fmt.Errorf("session: %w", err)
	}
	return sub, func(ctx context.Context, revoke Revoke) []error {
		return s.end(ctx, sub, release, revoke)
	}, nil
}

// end ends the session of a command. release frees the lock that is held while the command runs.
func (s *Session) end(ctx context.Context, sub *Session, release func(), revoke Revoke) []error {
	_ = sub.root.RemoveAll(filesName) // the tokens go at once, even if another process holds the lock
	unlock, err := s.lock(ctx, lockName)
	release()
	if errors.Is(err, errEnded) {
		return nil // the folder is gone, and this session with it
	}
	if err != nil {
		return []error{err} // the next sweep removes what remains
	}
	defer unlock()
	_, warnings := sub.Undo(ctx, nil)
	if _, err := s.root.Lstat(endedName); err != nil {
		return warnings
	}
	if running, _ := s.sweep(); running > 0 {
		return warnings
	}
	_, w := s.undo(ctx, revoke, unlock, Ending{})
	return append(warnings, w...)
}

// sweep removes the sessions of commands that were killed, and counts those of running commands. The caller must hold
// the session's lock: a starting command holds it until it holds its own.
func (s *Session) sweep() (running int, warnings []error) {
	all, err := s.list()
	if err != nil {
		return 0, []error{fmt.Errorf("session: %w", err)}
	}
	for _, name := range all {
		if !strings.HasPrefix(name, subName) {
			continue
		}
		dir := filepath.Join(s.Dir, name)
		release, err := tryLock(filepath.Join(dir, aliveName))
		if errors.Is(err, errBusy) {
			running++
			continue
		}
		if err == nil {
			release()
		}
		sub, err := openExisting(s.env, dir, false)
		if err == nil {
			_, w := sub.Undo(context.Background(), nil) // no other process wants its lock
			warnings = append(warnings, w...)
		} else if errors.Is(err, fs.ErrNotExist) {
			err = s.root.RemoveAll(name) // what a process that outlived the command left
			if err != nil {
				err = fmt.Errorf("session: %w", err)
			}
		}
		if err != nil {
			warnings = append(warnings, err)
		}
	}
	return running, warnings
}
