package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// Revoke ends a credential where it was made. It reports false where there is no way to.
type Revoke func(context.Context, Lease) (bool, error)

// Undo takes back all that the session did: it removes our own files, puts back the files changed in place, revokes
// the credentials that are ours and have not expired (revoke may be nil), and removes the folder. It goes on past what
// fails and returns that as warnings; files that could not be put back stay in the journal for another try. While
// commands run in the session, its folder stays for them, and the last one removes it. did says what was done.
func (s *Session) Undo(ctx context.Context, revoke Revoke) (did []string, warnings []error) {
	unlock, err := s.lock(ctx, lockName)
	switch {
	case errors.Is(err, errEnded): // by another logout; or nothing had begun yet
		if all, err := s.list(); err == nil && len(all) == 0 {
			_ = os.Remove(s.Dir)
		}
		return nil, nil
	case err != nil:
		return nil, []error{err}
	}
	defer unlock()
	return s.undo(ctx, revoke, unlock)
}

// undo is Undo with the session locked.
func (s *Session) undo(ctx context.Context, revoke Revoke, unlock func()) (did []string, warnings []error) {
	st, err := s.load()
	if err != nil {
		return nil, []error{err}
	}
	// Our own files go first: they hold tokens, and a full disk gets room for what follows.
	if err := s.root.RemoveAll(filesName); err != nil {
		warnings = append(warnings, fmt.Errorf("session: %w", err))
	}
	running, w := s.sweep()
	warnings = append(warnings, w...)

	var left []record
	for _, r := range slices.Backward(st.Journal) {
		how, err := s.putBack(r)
		if err != nil {
			left = append(left, r)
			warnings = append(warnings, fmt.Errorf("put back %s: %w", r.Path, err))
			continue
		}
		did = append(did, how)
	}
	slices.Reverse(left)
	if len(left) < len(st.Journal) {
		st.Journal = left
		if err := s.save(st); err != nil && len(left) > 0 { // else it is removed below
			warnings = append(warnings, err)
		}
	}
	d, w := s.revoke(ctx, st.Leases, revoke)
	did, warnings = append(did, d...), append(warnings, w...)

	if len(left) > 0 || running > 0 {
		return did, append(warnings, s.reduce(left, running)...)
	}
	if err := s.remove(unlock); err != nil {
		return did, append(warnings, err)
	}
	return append(did, "removed "+s.Dir), warnings
}

func (s *Session) revoke(ctx context.Context, leases []Lease, revoke Revoke) (did []string, warnings []error) {
	for _, l := range leases {
		if expired := !l.Cred.Expires.IsZero() && !s.env.Now().Before(l.Cred.Expires); !l.Revocable || expired || revoke == nil {
			continue
		}
		switch revoked, err := revoke(ctx, l); {
		case err != nil:
			warnings = append(warnings, fmt.Errorf("revoke the credential for %s: %w", l.Cred.Host, err))
		case revoked:
			did = append(did, "revoked the credential for "+l.Cred.Host)
		}
	}
	return did, warnings
}

// putBack undoes one change in place. Doing it again changes nothing.
func (s *Session) putBack(r record) (how string, err error) {
	if err := r.clear(); err != nil {
		return "", err
	}
	now, err := look(r.Path)
	if err != nil {
		return "", err
	}
	if now.content == nil {
		return "there is no " + r.Path + " to put back", nil
	}
	back, err := s.wayBack(r, now)
	if err != nil {
		return "", err
	}
	if back.same(now) && back.mode == now.mode {
		return "found " + r.Path + " as it was", nil
	}
	in, err := os.OpenRoot(filepath.Dir(r.Path))
	if err != nil {
		return "", err
	}
	defer in.Close()
	name := filepath.Base(r.Path)
	if back.content == nil {
		if err := in.Remove(name); err != nil {
			return "", err
		}
		err = syncFolder(in)
		_ = r.clear() // now the folders made for it may be empty
		return "removed " + r.Path, err
	}
	if err := create(in, r.temp(), back.content, back.mode, durable); err != nil {
		return "", err
	}
	if err := exchange(in, name, r.temp(), now); err != nil {
		return "", err
	}
	return "put back " + r.Path, syncFolder(in)
}

// reduce leaves of the session what is still needed: the journal of files that could not be put back, and the place
// of the commands that run.
func (s *Session) reduce(left []record, running int) (warnings []error) {
	if len(left) > 0 {
		if err := s.save(state{Version: stateVersion, Journal: left}); err != nil {
			warnings = append(warnings, err)
		}
		warnings = append(warnings, regpass.Hintf(fmt.Errorf("session: %s stays, for it holds what is to be put back", s.Dir), "see to the files, then run `regpass logout` again"))
	}
	if running > 0 {
		if err := create(s.root, endedName, nil, 0o600, fleeting); err != nil && !errors.Is(err, fs.ErrExist) {
			warnings = append(warnings, fmt.Errorf("session: %w", err))
		}
		warnings = append(warnings, fmt.Errorf("session: commands still run in %s (%d); the last of them removes it", s.Dir, running))
	}
	return append(warnings, s.removeBut(func(name string) bool {
		switch {
		case name == lockName, name == endedName, strings.HasPrefix(name, subName):
			return true
		case name == stateName:
			return len(left) > 0
		}
		return slices.ContainsFunc(left, func(r record) bool { return name == r.undo() })
	})...)
}

// removeBut removes what is ours in the folder but for what is needed.
func (s *Session) removeBut(needed func(name string) bool) (warnings []error) {
	all, err := s.list()
	if err != nil {
		return []error{fmt.Errorf("session: %w", err)}
	}
	for _, name := range all {
		if !ours(name) || needed(name) {
			continue
		}
		if err := s.root.RemoveAll(name); err != nil {
			warnings = append(warnings, fmt.Errorf("session: %w", err))
		}
	}
	return warnings
}

// remove deletes the folder. The state goes first, for it says what the others are; the lock goes last, for it says
// whose folder this is.
func (s *Session) remove(unlock func()) error {
	err := removeIfThere(s.root, stateName)
	if err == nil {
		err = errors.Join(s.removeBut(func(name string) bool { return name == lockName })...)
	}
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	if runtime.GOOS == "windows" { // which removes no open file
		unlock()
	}
	if err := removeIfThere(s.root, lockName); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	others, _ := s.list()
	_ = s.root.Close()
	err = os.Remove(s.Dir)
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, fs.ErrExist) && len(others) == 0: // a new login was faster
		return nil
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("session: %s stays, for it holds files that are not regpass's, %s among them", s.Dir, regpass.Quote(others[0]))
	}
	return fmt.Errorf("session: %w", err)
}
