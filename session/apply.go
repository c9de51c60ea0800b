package session

import (
	"bytes"
	"cmp"
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

// edit is a Change with the old content of its file and the new.
type edit struct {
	envsync.Change
	was snapshot
	now []byte
	rec record   // in place only: the change in the journal
	in  *os.Root // in place only: the file's folder
}

// File is a private file whose whole content is known: a secret for a step of a container build.
type File struct {
	Path    string // absolute, below Session.Files
	Content regpass.Secret
}

// Apply writes the changes and the files of a plan. Entries are added to a client's private file, so several leases of
// one session can share it. The user's own files are changed last. Before the first of them is touched, the journal
// says how to restore each one, and the new content lies beside the old. An error until then, such as bad input or a
// full disk, leaves all of the user's files unchanged.
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
		e, err := s.planEdit(c)
		if err != nil {
			err = fmt.Errorf("%s: %s is left as it is: %w", c.Format.Name, c.Path, err)
			return regpass.Hintf(err, "%s", cmp.Or(c.ByHand, "leave the file out, and regpass makes a private one"))
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

func (s *Session) planEdit(c envsync.Change) (*edit, error) {
	e := &edit{Change: c}
	var err error
	if e.Private {
		e.was.content, err = s.private(c)
	} else {
		e.was, err = readSnapshot(c.Path)
	}
	if err == nil && e.Format.Public && e.was.content != nil && e.was.mode&0o200 == 0 {
		err = errors.New("it is read-only")
	}
	if err != nil {
		return nil, err
	}
	e.now, err = e.Format.Set(e.was.content, c.Entries)
	return e, err
}

// changes reports whether a file in place needs a change.
func (e *edit) changes() bool {
	return e.was.content == nil || !bytes.Equal(e.was.content, e.now) || e.was.mode&0o077 != 0 && !e.Format.Public
}

// mode is the mode of the file with the new content.
func (e *edit) mode() fs.FileMode {
	if e.Format.Public && e.was.content != nil {
		return e.was.mode
	}
	return 0o600
}

// private reads a private file of an earlier login; if there is none, it is the content that the file begins with.
func (s *Session) private(c envsync.Change) ([]byte, error) {
	name, err := s.within(c.Path)
	if err != nil {
		return nil, err
	}
	content, _, err := regpass.ReadPlainIn(s.root, name, maxState)
	if errors.Is(err, fs.ErrNotExist) {
		return c.Base, nil
	}
	return content, err
}

// within makes a path relative to the session's folder. A path outside of it is an error.
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
	return replace(s.root, name, name+".tmp", content, volatile)
}

func (s *Session) applyInPlace(st state, edits []*edit) error {
	if len(edits) == 0 {
		return nil
	}
	done, err := s.writeAll(st, edits)
	for _, e := range edits {
		if e.in != nil {
			_ = e.in.Close()
		}
	}
	if err == nil {
		return nil
	}
	hint := cmp.Or(edits[0].ByHand, "your files are as they were; leave them out, and regpass makes private ones")
	if done > 0 {
		hint = "`regpass logout` puts back the files that were changed already"
	}
	for _, e := range edits[:done] {
		st.Journal = upsert(st.Journal, e.rec)
	}
	for _, e := range edits[done:] {
		_ = e.rec.removeLeftovers()
	}
	_ = s.save(st) // if that fails too, the saved journal still restores every file
	return regpass.Hintf(err, "%s", hint)
}

// writeAll changes the files and returns how many it changed.
func (s *Session) writeAll(st state, edits []*edit) (done int, err error) {
	next := slices.Clone(st.Journal)
	for _, e := range edits {
		if err := s.journalEdit(next, e); err != nil {
			return 0, fmt.Errorf("%s: keep the content of %s: %w", e.Format.Name, e.Path, err)
		}
		next = upsert(next, e.rec)
	}
	st.Journal = next
	if err := s.save(st); err != nil {
		return 0, err
	}
	for _, e := range edits {
		if err := e.writeTemp(); err != nil {
			return 0, fmt.Errorf("%s: write %s: %w", e.Format.Name, e.Path, err)
		}
	}
	for i, e := range edits {
		if err := swapIn(e.in, filepath.Base(e.Path), e.rec.temp(), e.was); err != nil {
			return i, fmt.Errorf("%s: write %s: %w", e.Format.Name, e.Path, err)
		}
		if err := syncFolder(e.in); err != nil {
			return i + 1, fmt.Errorf("%s: write %s: %w", e.Format.Name, e.Path, err)
		}
	}
	return len(edits), nil
}

// upsert adds a record to the journal, or replaces the one for the same file.
func upsert(journal []record, r record) []record {
	if at := indexOf(journal, r.Path); at >= 0 {
		journal[at] = r
		return journal
	}
	return append(journal, r)
}

func indexOf(journal []record, path string) int {
	return slices.IndexFunc(journal, func(r record) bool { return r.Path == path })
}

// journalEdit makes e's record and keeps the content to restore. If this session changed the file before, the record
// undoes both changes.
func (s *Session) journalEdit(journal []record, e *edit) error {
	rec := record{Path: e.Path, Made: missing(e.Path)}
	back := e.was
	if at := indexOf(journal, e.Path); at >= 0 {
		rec = journal[at]
		if err := rec.removeLeftovers(); err != nil {
			return err
		}
		if e.was.content != nil {
			var err error
			if back, err = s.restored(rec, e.was); err != nil {
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
	rec.ID, rec.Before, rec.Mode, rec.Known = rand.Text(), "", 0o600, []string{sum(e.now)}
	if e.was.content != nil {
		rec.Known = append(rec.Known, sum(e.was.content))
	}
	e.rec = rec
	if back.content == nil {
		return nil
	}
	e.rec.Before, e.rec.Mode = sum(back.content), back.mode
	return create(s.root, rec.undo(), back.content, 0o600, durable)
}

// missing counts the folders above a file that do not exist.
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

// writeTemp writes the new content beside the old.
func (e *edit) writeTemp() error {
	dir := filepath.Dir(e.Path)
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		e.in, err = os.OpenRoot(dir)
	}
	if err == nil {
		err = create(e.in, e.rec.temp(), e.now, e.mode(), durable)
	}
	return err
}
