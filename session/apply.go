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
)

// edit is a Change worked out.
type edit struct {
	envsync.Change
	format envsync.Format
	was    found  // what stands there
	now    []byte // what is to stand there
	rec    record // in place only: its record in the journal
	in     *os.Root
}

// Apply writes the changes of a plan. An own file is added to, so that several leases of one session can share it. For
// a file in place, all is prepared before the first is touched: the way back is in the journal, and the new content
// lies beside the old. What goes wrong until then, bad input and a full disk among it, changes no file of the user's.
func (s *Session) Apply(ctx context.Context, changes []envsync.Change) error {
	unlock, err := s.lock(ctx, lockName)
	if err != nil {
		return err
	}
	defer unlock()
	st, err := s.load()
	if err != nil {
		return err
	}
	var edits []*edit
	for _, c := range changes {
		e, err := s.workOut(c)
		if err != nil {
			return regpass.Hintf(fmt.Errorf("%s: %s is left as it is: %w", c.Format, c.Path, err), "name no file, and a private one is made")
		}
		if e.Own {
			err = s.writeOwn(e)
		} else if e.changes() {
			edits = append(edits, e)
		}
		if err != nil {
			return fmt.Errorf("%s: write %s: %w", c.Format, c.Path, err)
		}
	}
	return s.applyInPlace(st, edits)
}

func (s *Session) workOut(c envsync.Change) (*edit, error) {
	e := &edit{Change: c}
	var err error
	if e.format, err = envsync.FindFormat(c.Format); err != nil {
		return nil, err
	}
	if e.Own {
		e.was.content, err = s.own(c)
	} else {
		e.was, err = look(c.Path)
	}
	if err != nil {
		return nil, err
	}
	e.now, err = e.format.Set(e.was.content, c.Entries)
	return e, err
}

// changes reports whether there is something to do to a file in place.
func (e *edit) changes() bool {
	return e.was.content == nil || !bytes.Equal(e.was.content, e.now) || e.was.mode&0o077 != 0
}

// own reads our own file as an earlier login left it, or else what it is to begin with.
func (s *Session) own(c envsync.Change) ([]byte, error) {
	name, err := filepath.Rel(s.Dir, c.Path)
	if err != nil || !filepath.IsLocal(name) {
		return nil, errors.New("it is not in the session's folder")
	}
	content, err := s.root.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return c.Base, nil
	}
	return content, err
}

func (s *Session) writeOwn(e *edit) error {
	name, err := filepath.Rel(s.Dir, e.Path)
	if err == nil {
		err = s.root.MkdirAll(filepath.Dir(name), 0o700)
	}
	if err != nil {
		return err
	}
	return replace(s.root, name, name+".tmp", e.now, 0o600, fleeting)
}

func (s *Session) applyInPlace(st state, edits []*edit) error {
	if len(edits) == 0 {
		return nil
	}
	done, err := s.carryOut(st, edits)
	for _, e := range edits {
		if e.in != nil {
			_ = e.in.Close()
		}
	}
	if err == nil {
		return nil
	}
	hint := "your files are as they were; name none, and private ones are made"
	if done > 0 {
		hint = "what was changed already is put back by `regpass logout`"
	}
	for _, e := range edits[:done] {
		st.Journal = put(st.Journal, e.rec)
	}
	for _, e := range edits[done:] {
		_ = e.rec.clear()
	}
	_ = s.save(st) // if that fails too, the journal tells the way back to what is there
	return regpass.Hintf(err, "%s", hint)
}

// carryOut returns how many of the files were changed.
func (s *Session) carryOut(st state, edits []*edit) (done int, err error) {
	next := slices.Clone(st.Journal)
	for _, e := range edits {
		if err := s.keep(next, e); err != nil {
			return 0, fmt.Errorf("%s: keep what %s holds: %w", e.Format, e.Path, err)
		}
		next = put(next, e.rec)
	}
	st.Journal = next
	if err := s.save(st); err != nil {
		return 0, err
	}
	for _, e := range edits {
		if err := e.begin(); err != nil {
			return 0, fmt.Errorf("%s: write %s: %w", e.Format, e.Path, err)
		}
	}
	for i, e := range edits {
		if err := exchange(e.in, filepath.Base(e.Path), e.rec.temp(), e.was); err != nil {
			return i, fmt.Errorf("%s: write %s: %w", e.Format, e.Path, err)
		}
		if err := syncFolder(e.in); err != nil {
			return i + 1, fmt.Errorf("%s: write %s: %w", e.Format, e.Path, err)
		}
	}
	return len(edits), nil
}

// put enters a record in the journal, in the place of the one for the same file if there is one.
func put(journal []record, r record) []record {
	if at := position(journal, r.Path); at >= 0 {
		journal[at] = r
		return journal
	}
	return append(journal, r)
}

func position(journal []record, path string) int {
	return slices.IndexFunc(journal, func(r record) bool { return r.Path == path })
}

// keep makes e's record and keeps what it needs. If the file was changed in this session before, the way back goes
// past both changes.
func (s *Session) keep(journal []record, e *edit) error {
	rec := record{Path: e.Path, Made: missing(e.Path)}
	back := e.was
	if at := position(journal, e.Path); at >= 0 {
		rec = journal[at]
		if err := rec.clear(); err != nil {
			return err
		}
		if e.was.content != nil {
			var err error
			if back, err = s.wayBack(rec, e.was); err != nil {
				return err
			}
		}
	}
	rec.Format, rec.Keys = e.Format, slices.Clone(rec.Keys)
	for _, k := range e.format.Keys(e.Entries) {
		if !slices.Contains(rec.Keys, k) {
			rec.Keys = append(rec.Keys, k)
		}
	}
	rec.ID, rec.Before, rec.Mode, rec.From = newID(), "", 0o600, []string{sum(e.now)}
	if e.was.content != nil {
		rec.From = append(rec.From, sum(e.was.content))
	}
	e.rec = rec
	if back.content == nil {
		return nil
	}
	e.rec.Before, e.rec.Mode = sum(back.content), back.mode
	return create(s.root, rec.undo(), back.content, 0o600, durable)
}

// missing counts the folders above a file that are not there.
func missing(path string) int {
	n := 0
	for dir := filepath.Dir(path); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		n++
	}
	return n
}

// begin writes the new content beside the old.
func (e *edit) begin() error {
	dir := filepath.Dir(e.Path)
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		e.in, err = os.OpenRoot(dir)
	}
	if err == nil {
		err = create(e.in, e.rec.temp(), e.now, 0o600, durable)
	}
	return err
}
