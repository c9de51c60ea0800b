package envsync

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// Undo takes back all that the session did: it puts back the files changed in place, revokes the credentials that are
// ours and have not expired (revoke may be nil), and removes the folder. It goes on past what fails and returns that
// as warnings; files that could not be put back stay in the journal for another try. did says what was done.
func (s *Session) Undo(ctx context.Context, revoke func(context.Context, Login) (bool, error)) (did []string, warnings []error) {
	for _, gone := range s.Orphans() {
		d, w := gone.Undo(ctx, nil)
		did, warnings = append(did, d...), append(warnings, w...)
	}
	unlock, err := s.lock(ctx, "lock")
	if err != nil {
		return did, append(warnings, err)
	}
	defer unlock()
	st, err := s.load()
	if err != nil {
		return did, append(warnings, err)
	}
	for i := len(st.Journal) - 1; i >= 0; i-- {
		how, err := s.putBack(st.Journal[i])
		if err != nil {
			warnings = append(warnings, fmt.Errorf("put back %s: %w", st.Journal[i].Path, err))
			continue
		}
		did = append(did, how)
		st.Journal = slices.Delete(st.Journal, i, i+1)
		if err := s.save(st); err != nil {
			warnings = append(warnings, err)
		}
	}
	for _, l := range st.Logins {
		if expired := !l.Cred.Expires.IsZero() && !s.env.Now().Before(l.Cred.Expires); !l.Ours || expired || revoke == nil {
			continue
		}
		switch revoked, err := revoke(ctx, l); {
		case err != nil:
			warnings = append(warnings, fmt.Errorf("revoke the credential for %s: %w", l.Cred.Host, err))
		case revoked:
			did = append(did, "revoked the credential for "+l.Cred.Host)
		}
	}
	st.Logins = nil
	if len(st.Journal) > 0 {
		if err := s.save(st); err != nil {
			warnings = append(warnings, err)
		}
		return did, warnings
	}
	unlock()
	if err := s.remove(); err != nil {
		return did, append(warnings, err)
	}
	return append(did, "removed "+s.Dir), warnings
}

// putBack undoes one change in place. Whole, where the file is as we left it; by taking our entries out, where others
// have changed it since.
func (s *Session) putBack(r record) (string, error) {
	if err := os.Remove(r.Temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	var before []byte
	if r.Existed {
		var err error
		if before, err = readFile(filepath.Join(s.Dir, r.Before)); err != nil {
			return "", err
		}
		if before == nil {
			return "", regpass.Hintf(errors.New("what it held before is lost"), "look at the file yourself")
		}
	}
	st, err := private(r.Path)
	if err != nil {
		return "", err
	}
	var now []byte
	if st != nil {
		if now, err = readFile(r.Path); err != nil {
			return "", err
		}
	}
	want := before
	switch {
	case st == nil:
		return r.Path + " is gone, so there is nothing to put back", s.unmake(r)
	case r.Existed && sum(now) == sum(before) && st.Mode().Perm() == r.Mode:
		return "found " + r.Path + " as it was", s.unmake(r)
	case r.Shared || sum(now) != r.Wrote && sum(now) != sum(before):
		format, err := FindFormat(r.Format)
		if err != nil {
			return "", err
		}
		if want, err = format.Restore(now, before, r.Keys); err != nil {
			return "", err
		}
	}
	if want == nil {
		if err := os.Remove(r.Path); err != nil {
			return "", err
		}
		return "removed " + r.Path, s.unmake(r)
	}
	return "put back " + r.Path, replace(r.Path, r.Temp, want, r.Mode)
}

// unmake removes the folders that were made for a file, as far as they are empty.
func (s *Session) unmake(r record) error {
	for _, dir := range slices.Backward(r.Made) {
		if os.Remove(dir) != nil {
			break
		}
	}
	return nil
}

// remove deletes the session's folder but for the sessions in it whose command still runs.
func (s *Session) remove() error {
	all, err := os.ReadDir(s.Dir)
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	alive := 0
	for _, e := range all {
		if strings.HasPrefix(e.Name(), subPrefix) {
			alive++
			continue
		}
		if err := os.RemoveAll(filepath.Join(s.Dir, e.Name())); err != nil {
			return fmt.Errorf("session: %w", err)
		}
	}
	if alive > 0 {
		return fmt.Errorf("session: %d commands are still running in %s; their files go when they end", alive, s.Dir)
	}
	if err := os.Remove(s.Dir); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	return nil
}
