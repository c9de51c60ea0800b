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

// Revoke ends a credential at its registry. It reports false if the registry has no way to.
type Revoke func(context.Context, Lease) (bool, error)

// Ending says how Undo ends a session.
type Ending struct {
	// Force revokes the credentials also while commands use them. Otherwise the last command does that.
	Force bool
	// Links leaves links to the user's own files where shells still look for ours. The next session removes them.
	Links bool
}

// Undo is End with neither of its choices.
func (s *Session) Undo(ctx context.Context, revoke Revoke) (done []string, warnings []error) {
	return s.End(ctx, revoke, Ending{})
}

// End undoes everything that the session did: it removes our private files, puts back the files changed in place,
// revokes the credentials that we minted and that have not expired (revoke may be nil), and removes the folder. It goes
// on after a failure and returns it as a warning. A file that could not be put back stays in the journal for another
// try. While commands run in the session its folder and its credentials stay, and the last command ends them. done has
// a line for each step that was done.
func (s *Session) End(ctx context.Context, revoke Revoke, how Ending) (done []string, warnings []error) {
	unlock, err := s.lock(ctx, lockName)
	switch {
	case errors.Is(err, errEnded): // by another logout, or the session had not begun
		if all, err := s.list(); err == nil && len(all) == 0 {
			_ = os.Remove(s.Dir)
		}
		return nil, nil
	case err != nil:
		return nil, []error{err}
	}
	defer unlock()
	return s.undo(ctx, revoke, unlock, how)
}

// undo is End with the session locked.
func (s *Session) undo(ctx context.Context, revoke Revoke, unlock func(), how Ending,
) (done []string, warnings []error) {
	st, err := s.load()
	if err != nil {
		return nil, []error{err}
	}
	// Our private files go first: they hold tokens, and on a full disk they make room for the next steps.
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
		done = append(done, how)
	}
	slices.Reverse(left)
	var locked []kept
	for _, k := range st.Kept {
		how, err := s.takeBack(ctx, k)
		if err != nil {
			locked = append(locked, k)
			warnings = append(warnings, fmt.Errorf("put back %s in the keychain: %w", k.Account, err))
			continue
		}
		done = append(done, how)
	}
	if len(left) < len(st.Journal) || len(locked) < len(st.Kept) {
		st.Journal, st.Kept = left, locked
		if err := s.save(st); err != nil && len(left) > 0 { // if no record is left, the folder is removed below
			warnings = append(warnings, err)
		}
	}
	kept := state{Version: stateVersion, Journal: left, Kept: locked}
	if len(left) > 0 {
		kept.Links = st.Links // a configuration that still names the helpers fails without them
		st.Links = nil
	}
	for _, l := range st.Links {
		how, err := l.remove()
		if err != nil {
			warnings = append(warnings, err)
		} else if how != "" {
			done = append(done, how)
		}
	}
	if running > 0 && !how.Force {
		kept.Leases = st.Leases
	} else {
		d, w := s.revoke(ctx, st.Leases, revoke)
		done, warnings = append(done, d...), append(warnings, w...)
	}
	if len(left)+len(locked) > 0 || running > 0 {
		return done, append(warnings, s.removeUnneeded(kept, running)...)
	}
	links, err := s.remove(unlock, how.Links, st.Shell)
	switch {
	case err != nil:
		warnings = append(warnings, err)
	case links:
		done = append(done, "removed all from "+s.Dir+" but links to your own files, for shells that still look there")
	default:
		done = append(done, "removed "+s.Dir)
	}
	return done, warnings
}

func (s *Session) revoke(ctx context.Context, leases []Lease, revoke Revoke) (done []string, warnings []error) {
	for _, l := range leases {
		expired := !l.Cred.Expires.IsZero() && !s.env.Now().Before(l.Cred.Expires)
		if !l.Revocable || expired || revoke == nil {
			continue
		}
		switch revoked, err := revoke(ctx, l); {
		case err != nil:
			warnings = append(warnings, fmt.Errorf("revoke the credential for %s: %w", l.Cred.Host, err))
		case revoked:
			done = append(done, "revoked the credential for "+l.Cred.Host)
		}
	}
	return done, warnings
}

// putBack undoes one change in place. A second call changes nothing.
func (s *Session) putBack(r record) (how string, err error) {
	if err := r.removeLeftovers(); err != nil {
		return "", err
	}
	now, err := readSnapshot(r.Path)
	if err != nil {
		return "", err
	}
	if now.content == nil {
		return r.Path + " is gone, so there is nothing to put back", nil
	}
	back, err := s.restored(r, now)
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
		_ = r.removeLeftovers() // now the folders made for it may be empty
		return "removed " + r.Path, err
	}
	if err := create(in, r.temp(), back.content, back.mode, durable); err != nil {
		return "", err
	}
	if err := swapIn(in, name, r.temp(), now); err != nil {
		return "", err
	}
	return "put back " + r.Path, syncFolder(in)
}

// removeUnneeded removes everything from the folder but what is kept: the journal of files that could not be put back,
// and what running commands use.
func (s *Session) removeUnneeded(kept state, running int) (warnings []error) {
	needed := len(kept.Journal)+len(kept.Kept)+len(kept.Leases) > 0
	if needed {
		if err := s.save(kept); err != nil {
			warnings = append(warnings, err)
		}
	}
	if len(kept.Journal) > 0 {
		err := fmt.Errorf("session: %s stays, since it is needed to put files back", s.Dir)
		warnings = append(warnings, regpass.Hintf(err, "repair the files, then run `regpass logout` again"))
	}
	if len(kept.Kept) > 0 {
		err := fmt.Errorf("session: %s stays, since it is needed to put back what the keychain had", s.Dir)
		warnings = append(warnings, regpass.Hintf(err, "unlock the keychain, then run `regpass logout` again"))
	}
	if running > 0 {
		if err := create(s.root, endedName, nil, 0o600, volatile); err != nil && !errors.Is(err, fs.ErrExist) {
			warnings = append(warnings, fmt.Errorf("session: %w", err))
		}
		err := fmt.Errorf("session: commands still run in %s (%d); the last of them removes it", s.Dir, running)
		if len(kept.Leases) > 0 {
			err = fmt.Errorf("session: commands still run in %s (%d); the last of them revokes what they use and removes it",
				s.Dir, running)
			err = regpass.Hintf(err, "`regpass logout --force` revokes it now")
		}
		warnings = append(warnings, err)
	}
	return append(warnings, s.removeBut(func(name string) bool {
		switch {
		case name == lockName, name == endedName, strings.HasPrefix(name, subName):
			return true
		case name == stateName:
			return needed
		}
		return slices.ContainsFunc(kept.Journal, func(r record) bool { return name == r.undo() })
	})...)
}

// removeBut removes our files from the folder, except the needed ones.
func (s *Session) removeBut(needed func(name string) bool) (warnings []error) {
	all, err := s.list()
	if err != nil {
		return []error{fmt.Errorf("session: %w", err)}
	}
	for _, name := range all {
		if !isOurs(name) || needed(name) {
			continue
		}
		if err := s.root.RemoveAll(name); err != nil {
			warnings = append(warnings, fmt.Errorf("session: %w", err))
		}
	}
	return warnings
}

// remove deletes the folder. The state goes first, since it describes the other files. The lock goes last, since it
// marks the folder as a session's. It reports whether links for the variables of shells stay, if those are wanted.
func (s *Session) remove(unlock func(), links bool, shell []Shell) (linked bool, err error) {
	err = removeIfThere(s.root, stateName)
	if err == nil {
		err = errors.Join(s.removeBut(func(name string) bool { return name == lockName })...)
	}
	if err != nil {
		return false, fmt.Errorf("session: %w", err)
	}
	linked = links && s.link(shell)
	if runtime.GOOS == "windows" { // it cannot remove an open file
		unlock()
	}
	if err := removeIfThere(s.root, lockName); err != nil {
		return false, fmt.Errorf("session: %w", err)
	}
	if linked {
		return true, nil
	}
	others, _ := s.list()
	others = slices.DeleteFunc(others, isOurs) // those of a new login, which was faster
	_ = s.root.Close()
	err = os.Remove(s.Dir)
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist):
		return false, nil
	case errors.Is(err, fs.ErrExist) && len(others) == 0:
		return false, nil
	case errors.Is(err, fs.ErrExist):
		return false, fmt.Errorf("session: %s stays, since it holds files that are not regpass's, such as %s",
			s.Dir, regpass.Quote(others[0]))
	}
	return false, fmt.Errorf("session: %w", err)
}
