package session

import (
	"bytes"
	"context"
	"crypto/rand"
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
	was found  // what stands there
	now []byte // what is to stand there
	rec record // in place only: its record in the journal
	in  *os.Root
}

// File is a private file whose whole content is known: a secret for a step of a container build.
type File struct {
	Path    string // absolute, below Session.Files
	Content regpass.Secret
}

// Apply writes the changes and the files of a plan. A private file of a client is added to, so that several leases of
// one session can share it. For a file in place, all is prepared before the first is touched: the way back is in the
// journal, and the new content lies beside the old. What goes wrong until then, bad input and a full disk among it,
// changes no file of the user's.
func (s *Session) Apply(ctx context.Context, changes []envsync.Change, files ...File) error {
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
			return regpass.Hintf(fmt.Errorf("%s: %s is left as it is: %w", c.Format.Name, c.Path, err), "name no file, and a private one is made")
		}
		if e.Private {
			err = s.writePrivate(e.Path, e.now)
		} else if e.changes() {
			edits = append(edits, e)
		}
		if err != nil {
			return fmt.Errorf("%s: write %s: %w", c.Format.Name, c.Path, err)
		}
	}
	for _, f := range files {
		if err := s.writeFile(f); err != nil {
			return fmt.Errorf("session: write %s: %w", f.Path, err)
		}
	}
	return s.applyInPlace(st, edits)
}

func (s *Session) workOut(c envsync.Change) (*edit, error) {
	e := &edit{Change: c}
	var err error
	if e.Private {
		e.was.content, err = s.private(c)
	} else {
		e.was, err = look(c.Path)
	}
	if err != nil {
		return nil, err
	}
	e.now, err = e.Format.Set(e.was.content, c.Entries)
	return e, err
}

// changes reports whether there is something to do to a file in place.
func (e *edit) changes() bool {
	return e.was.content == nil || !bytes.Equal(e.was.content, e.now) || e.was.mode&0o077 != 0
}

// private reads a private file as an earlier login left it, or the content that it begins with.
func (s *Session) private(c envsync.Change) ([]byte, error) {
	name, err := s.within(c.Path)
	if err != nil {
		return nil, err
	}
	content, err := s.root.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return c.Base, nil
	}
	return content, err
}

// within is a path relative to the session's folder, which it must not leave.
func (s *Session) within(path string) (string, error) {
	name, err := filepath.Rel(s.Dir, path)
	if err != nil || !filepath.IsLocal(name) {
		return "", errors.New("it is not in the session's folder")
	}
	return name, nil
}

func (s *Session) writeFile(f File) error {
	if f.Content.Empty() {
		return errors.New("there is no secret to write")
	}
	return s.writePrivate(f.Path, []byte(f.Content.Reveal()))
}

func (s *Session) writePrivate(path string, content []byte) error {
	name, err := s.within(path)
	if err == nil {
		err = s.root.MkdirAll(filepath.Dir(name), 0o700)
	}
	if err != nil {
		return err
	}
	return replace(s.root, name, name+".tmp", content, 0o600, fleeting)
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
			return 0, fmt.Errorf("%s: keep what %s holds: %w", e.Format.Name, e.Path, err)
		}
		next = put(next, e.rec)
	}
	st.Journal = next
	if err := s.save(st); err != nil {
		return 0, err
	}
	for _, e := range edits {
		if err := e.begin(); err != nil {
			return 0, fmt.Errorf("%s: write %s: %w", e.Format.Name, e.Path, err)
		}
	}
	for i, e := range edits {
		if err := exchange(e.in, filepath.Base(e.Path), e.rec.temp(), e.was); err != nil {
			return i, fmt.Errorf("%s: write %s: %w", e.Format.Name, e.Path, err)
		}
		if err := syncFolder(e.in); err != nil {
			return i + 1, fmt.Errorf("%s: write %s: %w", e.Format.Name, e.Path, err)
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
	rec.Format, rec.Keys = e.Format.Name, slices.Clone(rec.Keys)
	for _, k := range e.Format.Keys(e.Entries) {
		if !slices.Contains(rec.Keys, k) {
			rec.Keys = append(rec.Keys, k)
		}
	}
	rec.ID, rec.Before, rec.Mode, rec.From = rand.Text(), "", 0o600, []string{sum(e.now)}
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
