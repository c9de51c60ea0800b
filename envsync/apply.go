package envsync

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// edit is a Change worked out: what stands there and what is to stand there.
type edit struct {
	Change
	format Format
	old    []byte      // nil: no file
	st     fs.FileInfo // nil: no file
	now    []byte
}

// Apply writes the changes of a plan. All are worked out before the first is written, so bad input changes nothing.
// Each is a rename, and for a file that is not ours the way back is in the journal first. Applying again replaces
// what was applied before.
func (s *Session) Apply(ctx context.Context, changes []Change) error {
	unlock, err := s.lock(ctx, "lock")
	if err != nil {
		return err
	}
	defer unlock()
	var edits []edit
	for _, c := range changes {
		e, err := work(c)
		if err != nil {
			return err
		}
		edits = append(edits, e)
	}
	st, err := s.load()
	if err != nil {
		return err
	}
	for _, e := range edits {
		if e.Own {
			err = s.writeOwn(e)
		} else {
			err = s.writeInPlace(&st, e)
		}
		if err != nil {
			return fmt.Errorf("%s: write %s: %w", e.Format, e.Path, err)
		}
	}
	return nil
}

func work(c Change) (edit, error) {
	e := edit{Change: c, old: c.Base}
	var err error
	if e.format, err = FindFormat(c.Format); err != nil {
		return e, err
	}
	if !c.Own {
		if e.st, err = private(c.Path); err == nil && e.st != nil {
			e.old, err = readFile(c.Path)
		}
		if err != nil {
			return e, fmt.Errorf("%s: %w", c.Format, err)
		}
	}
	if e.now, err = e.format.Set(e.old, c.Entries); err != nil {
		return e, fmt.Errorf("%s: %s is left as it is: %w", c.Format, c.Path, err)
	}
	return e, nil
}

func (s *Session) writeOwn(e edit) error {
	if err := os.MkdirAll(filepath.Dir(e.Path), 0o700); err != nil {
		return err
	}
	return replace(e.Path, e.Path+".tmp", e.now, 0o600)
}

func (s *Session) writeInPlace(st *state, e edit) error {
	at := slices.IndexFunc(st.Journal, func(r record) bool { return r.Path == e.Path })
	if e.st != nil && bytes.Equal(e.old, e.now) && e.st.Mode().Perm()&0o077 == 0 {
		return nil
	}
	if at < 0 {
		rec, err := s.before(e)
		if err != nil {
			return err
		}
		st.Journal = append(st.Journal, rec)
		at = len(st.Journal) - 1
	}
	rec := &st.Journal[at]
	if rec.Wrote != "" && (e.old == nil || sum(e.old) != rec.Wrote) {
		rec.Shared = true
	}
	for _, k := range e.format.Keys(e.Entries) {
		if !slices.Contains(rec.Keys, k) {
			rec.Keys = append(rec.Keys, k)
		}
	}
	rec.Wrote = sum(e.now)
	if err := s.save(*st); err != nil {
		return err
	}
	for _, dir := range rec.Made {
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return replace(e.Path, rec.Temp, e.now, 0o600)
}

// before keeps what e's file holds now and how to get back to it.
func (s *Session) before(e edit) (record, error) {
	id := make([]byte, 8)
	_, _ = rand.Read(id)
	name := hex.EncodeToString(id)
	rec := record{Path: e.Path, Format: e.Format, Mode: 0o600,
		Temp: filepath.Join(filepath.Dir(e.Path), "."+filepath.Base(e.Path)+".regpass-"+name)}
	for dir := filepath.Dir(e.Path); ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		rec.Made = append([]string{dir}, rec.Made...)
	}
	if e.st == nil {
		return rec, nil
	}
	rec.Existed, rec.Mode, rec.Before = true, e.st.Mode().Perm(), "undo-"+name
	path := filepath.Join(s.Dir, rec.Before)
	return rec, replace(path, path+".tmp", e.old, 0o600)
}
