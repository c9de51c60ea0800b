package session

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync/clients"
)

// state is the content of state.json.
type state struct {
	Version int // stateVersion
	Leases  []Lease
	Shown   []shown  `json:",omitempty"`
	Journal []record // in the order in which the files were first changed
	Shell   []Shell  `json:",omitempty"`
	Kept    []kept   `json:",omitempty"` // items of the keychain
	Links   []link   `json:",omitempty"` // of an installed helper, before they are made
	Refs    []string `json:",omitempty"` // the registries that an installed helper is for
}

// stateVersion grows when an older program would misread the file.
const stateVersion = 1

// record is one file that was changed in place, or was about to be, and how to restore it. It is written before the
// file is touched, and it is true at every moment until the change is undone.
type record struct {
	Path   string      // absolute
	Format string      // name for clients.FindFormat
	Keys   []string    // our keys in the file
	ID     string      // names the files of undo and temp
	Before string      // SHA-256 of the content to restore; empty: remove the file
	Mode   fs.FileMode // permissions to restore
	Known  []string    // SHA-256 of contents that involve only us: for these the content of Before is restored as it is
	Made   int         // number of folders above the file that were made for it
}

// undo is the name, in the session's folder, of the file with the content to restore.
func (r record) undo() string { return undoName + r.ID }

// temp is the name of the file that is written beside the user's and then renamed to it.
func (r record) temp() string { return "." + filepath.Base(r.Path) + ".regpass-" + r.ID }

// madeDirs lists the folders that were made for the file, outermost last.
func (r record) madeDirs() []string {
	var dirs []string
	for dir := r.Path; len(dirs) < r.Made; {
		dir = filepath.Dir(dir)
		dirs = append(dirs, dir)
	}
	return dirs
}

// isID matches an ID, which is made by rand.Text.
var isID = regpass.Pattern(`^[A-Z2-7]{26,}$`)

// check refuses a damaged record, which could lead us to files that are not ours.
func (r record) check() error {
	switch {
	case !filepath.IsAbs(r.Path) || filepath.Clean(r.Path) != r.Path:
		return errors.New("a path in it is not absolute")
	case !isID().MatchString(r.ID):
		return errors.New("an ID in it is malformed")
	case r.Made < 0 || r.Made > 100 || r.Mode != r.Mode.Perm():
		return errors.New("a number in it is out of range")
	}
	return nil
}

// maxState is the size of the largest state file that is read, in bytes: a session with a thousand leases has 2 MiB.
const maxState = 16 << 20

// load reads the state. A session without a state file is empty.
func (s *Session) load() (state, error) {
	raw, _, err := regpass.ReadPlainIn(s.root, stateName, maxState)
	if errors.Is(err, fs.ErrNotExist) {
		return state{Version: stateVersion}, nil
	}
	if err != nil {
		return state{}, fmt.Errorf("session: read %s: %w", filepath.Join(s.Dir, stateName), err)
	}
	st, err := parseState(raw)
	if err != nil {
		path := filepath.Join(s.Dir, stateName)
		return state{}, regpass.Hintf(fmt.Errorf("session: %s is not what regpass wrote: %w", path, err),
			"nothing was undone: restore the files that it names from %s* beside it, then remove the folder", undoName)
	}
	for _, l := range st.Leases {
		s.env.Mask(l.Cred.Secrets()...)
	}
	return st, nil
}

// parseState reads the whole state, or returns an error. Its errors show nothing of the text, which holds secrets.
func parseState(raw []byte) (state, error) {
	var st state
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if d.Decode(&st) != nil || d.More() {
		return state{}, errors.New("it is damaged")
	}
	if st.Version != stateVersion {
		return state{}, fmt.Errorf("it has version %d, and this program knows %d", st.Version, stateVersion)
	}
	for _, r := range st.Journal {
		if err := r.check(); err != nil {
			return state{}, err
		}
	}
	for _, l := range st.Links {
		if err := l.check(); err != nil {
			return state{}, err
		}
	}
	return st, nil
}

// save replaces the state. The caller must hold the session's lock. A journal must survive a loss of power, since the
// changed files do. Without a journal there is no reason to wait for the disk.
func (s *Session) save(st state) error {
	raw, err := json.MarshalIndent(st, "", "\t")
	if err == nil {
		err = replace(s.root, stateName, stateTemp, raw, durability(len(st.Journal)+len(st.Links)+len(st.Kept) > 0))
	}
	if err != nil {
		return fmt.Errorf("session: save its state: %w", err)
	}
	return nil
}

// update changes the state under the session's lock.
func (s *Session) update(ctx context.Context, change func(*state)) error {
	unlock, err := s.lock(ctx, lockName)
	if err != nil {
		return err
	}
	defer unlock()
	st, err := s.load()
	if err != nil {
		return err
	}
	change(&st)
	return s.save(st)
}

// formerContent reads the content to restore; nil: the file did not exist.
func (s *Session) formerContent(r record) ([]byte, error) {
	if r.Before == "" {
		return nil, nil
	}
	content, _, err := regpass.ReadPlainIn(s.root, r.undo(), maxFile)
	if err == nil && sum(content) != r.Before {
		err = errors.New("it is damaged")
	}
	if err != nil {
		err = fmt.Errorf("its former content is lost: %w", err)
		return nil, regpass.Hintf(err, "repair the file yourself, then remove %s", s.Dir)
	}
	return content, nil
}

// restored is the file of a record, which exists now, as it would be had we never changed it. If only we changed it,
// that is its former content and mode. If others changed it too, it is their file without our entries and with their
// mode, since it may hold secrets that were not there before.
func (s *Session) restored(r record, now snapshot) (snapshot, error) {
	before, err := s.formerContent(r)
	if err != nil {
		return snapshot{}, err
	}
	if h := sum(now.content); h == r.Before || slices.Contains(r.Known, h) {
		return snapshot{before, r.Mode}, nil
	}
	format, err := clients.FindFormat(r.Format)
	if err != nil {
		return snapshot{}, err
	}
	content, err := format.Restore(now.content, before, r.Keys)
	if err != nil {
		return snapshot{}, err
	}
	return snapshot{content, now.mode}, nil
}

// removeLeftovers removes the temporary file of an interrupted write, and the folders that were made for the
// file if they are empty.
func (r record) removeLeftovers() error {
	err := os.Remove(filepath.Join(filepath.Dir(r.Path), r.temp()))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, dir := range r.madeDirs() {
		if os.Remove(dir) != nil {
			break
		}
	}
	return nil
}
