package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/envsync/ask"
	"github.com/regpass/regpass/envsync/clients"
	"github.com/regpass/regpass/envsync/rattler"
)

// Forget is End for the credentials of a registry's hosts only: it takes them out of our private files, puts back what
// the user's own files and the keychain had for them, and revokes them. If nothing else is kept then, it is End. With
// no credential for the hosts it does nothing.
func (s *Session) Forget(ctx context.Context, ref regpass.Ref, hosts []string, revoke Revoke, how Ending) (
	done []string, warnings []error) {
	unlock, err := s.lock(ctx, lockName)
	switch {
	case errors.Is(err, errEnded):
		return nil, nil
	case err != nil:
		return nil, []error{err}
	}
	defer unlock()
	st, err := s.load()
	if err != nil {
		return nil, []error{err}
	}
	mine, others := of(st.Leases, hosts)
	switch {
	case len(mine) == 0:
		return nil, nil
	case len(others) == 0:
		return s.undo(ctx, revoke, unlock, how)
	}
	entries, err := s.entriesOf(ref, mine)
	if err != nil {
		return nil, []error{err}
	}
	if err := s.takeOut(st, entries); err != nil {
		warnings = append(warnings, err)
	}
	d, w := s.putBackKeys(&st, entries)
	done, warnings = append(done, d...), append(warnings, w...)
	d, w = s.takeBackOf(ctx, &st, entries)
	done, warnings = append(done, d...), append(warnings, w...)
	d, w = s.revoke(ctx, mine, revoke)
	done, warnings = append(done, d...), append(warnings, w...)
	st.Leases = others
	if err := s.save(st); err != nil {
		warnings = append(warnings, err)
	}
	return append(done, "took back the credential for "+mine[0].Cred.Host), warnings
}

// of divides leases into those for one of the hosts and the others.
func of(all []Lease, hosts []string) (mine, others []Lease) {
	for _, l := range all {
		if slices.ContainsFunc(l.Cred.PerHost(), func(c regpass.Credential) bool { return slices.Contains(hosts, c.Host) }) {
			mine = append(mine, l)
		} else {
			others = append(others, l)
		}
	}
	return mine, others
}

// entriesOf are the entries that files may have for leases: by the registry that is named now, and by those that the
// logins named.
func (s *Session) entriesOf(ref regpass.Ref, leases []Lease) (all []envsync.Entry, err error) {
	var hosts []string
	for _, l := range leases {
		for _, c := range l.Cred.PerHost() {
			hosts = append(hosts, c.Host)
			all = append(all, envsync.Entry{Ref: ref, Cred: c})
		}
	}
	known, err := s.Asked()
	for _, e := range known {
		if slices.Contains(hosts, e.Cred.Host) {
			all = append(all, e)
		}
	}
	return all, err
}

// Asked lists the entries of the helpers' file.
func (s *Session) Asked() ([]envsync.Entry, error) {
	raw, _, err := regpass.ReadPlainIn(s.root, filepath.Join(filesName, ask.File), maxState)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	return ask.Read(raw)
}

// keysOf are the keys of entries in a client's files of any of its formats.
func keysOf(c envsync.Sink, entries []envsync.Entry) (keys []string) {
	for _, f := range append([]envsync.Format{c.Format}, c.Variants...) {
		if f.Keys != nil {
			keys = append(keys, f.Keys(entries)...)
		}
	}
	return keys
}

// takeOut takes entries out of our private files.
func (s *Session) takeOut(st state, entries []envsync.Entry) error {
	var bad []error
	for _, c := range clients.All {
		if c.File == "" {
			continue
		}
		path := filepath.Join(s.Files(), filepath.FromSlash(c.File))
		name := filepath.Join(filesName, filepath.FromSlash(c.File))
		now, _, err := regpass.ReadPlainIn(s.root, name, maxState)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var left []byte
		if err == nil {
			left, err = c.Format.Restore(now, s.ownContent(st, c), keysOf(c, entries))
		}
		switch {
		case err != nil:
		case left == nil:
			err = removeIfThere(s.root, name)
		case !bytes.Equal(left, now):
			err = s.writePrivate(path, left)
		}
		if err != nil {
			bad = append(bad, fmt.Errorf("session: %s: %w", path, err))
		}
	}
	known, err := s.Asked()
	if err != nil {
		return errors.Join(append(bad, err)...)
	}
	left := slices.DeleteFunc(known, func(e envsync.Entry) bool {
		return slices.ContainsFunc(entries, func(o envsync.Entry) bool { return o.Cred.Host == e.Cred.Host })
	})
	content, err := ask.Format.Set(nil, left)
	if err == nil {
		err = s.writePrivate(filepath.Join(s.Files(), ask.File), content)
	}
	return errors.Join(append(bad, err)...)
}

// ownContent is what the user's own file of a client holds now, which our private one began with.
func (s *Session) ownContent(st state, c envsync.Sink) []byte {
	for _, v := range st.Shell {
		if v.Name == c.Var && v.Own != "" {
			path := v.Own
			if c.PointsAtDir {
				path = filepath.Join(path, filepath.Base(c.File))
			}
			own, _ := envsync.ReadExisting(path)
			return own
		}
	}
	return nil
}

// putBackKeys puts back what the user's own files had for entries. The records stay true at every moment: they know the
// new content before it is written.
func (s *Session) putBackKeys(st *state, entries []envsync.Entry) (done []string, warnings []error) {
	for i := range st.Journal {
		r := &st.Journal[i]
		changed, err := s.putBackKeysIn(st, r, entries)
		if err != nil {
			warnings = append(warnings, fmt.Errorf("put back %s: %w", r.Path, err))
		} else if changed {
			done = append(done, "put back what "+r.Path+" had for "+entries[0].Cred.Host)
		}
	}
	return done, warnings
}

func (s *Session) putBackKeysIn(st *state, r *record, entries []envsync.Entry) (changed bool, err error) {
	format, err := clients.FindFormat(r.Format)
	if err != nil {
		return false, err
	}
	var keys []string
	for _, k := range format.Keys(entries) {
		if slices.Contains(r.Keys, k) {
			keys = append(keys, k)
		}
	}
	now, err := readSnapshot(r.Path)
	if err != nil || len(keys) == 0 || now.content == nil {
		return false, err
	}
	before, err := s.formerContent(*r)
	if err != nil {
		return false, err
	}
	left, err := format.Restore(now.content, before, keys)
	if err != nil || bytes.Equal(left, now.content) {
		return false, err
	}
	if left == nil { // the session's end removes the file
		left = []byte{}
	}
	if slices.Contains(r.Known, sum(now.content)) {
		r.Known = append(r.Known, sum(left))
	}
	if err := s.save(*st); err != nil {
		return false, err
	}
	in, err := os.OpenRoot(filepath.Dir(r.Path))
	if err != nil {
		return false, err
	}
	defer in.Close()
	if err := removeIfThere(in, r.temp()); err != nil {
		return false, err
	}
	if err := create(in, r.temp(), left, now.mode, durable); err != nil {
		return false, err
	}
	if err := swapIn(in, filepath.Base(r.Path), r.temp(), now); err != nil {
		return false, err
	}
	r.Keys = slices.DeleteFunc(slices.Clone(r.Keys), func(k string) bool { return slices.Contains(keys, k) })
	return true, syncFolder(in)
}

// takeBackOf puts back what the keychain had for entries.
func (s *Session) takeBackOf(ctx context.Context, st *state, entries []envsync.Entry) (
	done []string, warnings []error) {
	keys := append(rattler.Exact.Keys(entries), rattler.Wildcard.Keys(entries)...)
	var left []kept
	for _, k := range st.Kept {
		if !slices.Contains(keys, k.Account) {
			left = append(left, k)
			continue
		}
		how, err := s.takeBack(ctx, k)
		if err != nil {
			left, warnings = append(left, k), append(warnings, fmt.Errorf("put back %s in the keychain: %w", k.Account, err))
			continue
		}
		done = append(done, how)
	}
	st.Kept = left
	return done, warnings
}
