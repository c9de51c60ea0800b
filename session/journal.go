package session

import (
	"bytes"
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

// state is what state.json holds.
type state struct {
	Version int // stateVersion
	Leases  []Lease
	Journal []record // in the order in which the files were first changed
}

// stateVersion grows when an older program would misread the file.
const stateVersion = 1

// record is one file that was changed in place, or was about to be, and the way back. The way back is known before
// the file is touched, and true at every moment until it is undone.
type record struct {
	Path   string      // absolute
	Format string      // as clients.FindFormat knows it
	Keys   []string    // what in the file is ours
	ID     string      // names the two files below
	Before string      // SHA-256 of what the file is to hold again; empty: there is to be no file
	Mode   fs.FileMode // and its permissions
	From   []string    // SHA-256 of what the file may hold by our doing: then Before is the way back as it stands
	Made   int         // how many folders above the file were made for it
}

// undo is the name in the session's folder of the file that holds what Before stands for.
func (r record) undo() string { return undoName + r.ID }

// temp is the name of the file beside the user's that is on its way to replace it.
func (r record) temp() string { return "." + filepath.Base(r.Path) + ".regpass-" + r.ID }

// made lists the folders that were made for the file, outermost last.
func (r record) made() []string {
	var dirs []string
	for dir := r.Path; len(dirs) < r.Made; {
		dir = filepath.Dir(dir)
		dirs = append(dirs, dir)
	}
	return dirs
}

// isID matches an ID, which is made by rand.Text.
var isID = regpass.Pattern(`^[A-Z2-7]{26,}$`)

// check keeps a damaged journal from leading us to files that are not ours.
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

// load reads the state; a session without one is empty.
func (s *Session) load() (state, error) {
	raw, err := s.root.ReadFile(stateName)
	if errors.Is(err, fs.ErrNotExist) {
		return state{Version: stateVersion}, nil
	}
	if err != nil {
		return state{}, fmt.Errorf("session: %w", err)
	}
	st, err := parseState(raw)
	if err != nil {
		path := filepath.Join(s.Dir, stateName)
		return state{}, regpass.Hintf(fmt.Errorf("session: %s is not what regpass wrote: %w", path, err),
			"nothing was undone: see which files it names, and %s* beside it for what they held; then remove the folder", undoName)
	}
	for _, l := range st.Leases {
		s.env.Mask(l.Cred.Secret, l.Cred.SessionToken, l.Cred.Refresh)
	}
	return st, nil
}

// parseState takes all of what save wrote or nothing. Its errors show nothing of the text, which holds secrets.
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
	return st, nil
}

// save replaces the state; call it with the session locked. The journal has to outlive a loss of power, for the files
// in it do; without one there is nothing to wait for the disk for.
func (s *Session) save(st state) error {
	raw, err := json.MarshalIndent(st, "", "\t")
	if err == nil {
		err = replace(s.root, stateName, stateTemp, raw, 0o600, len(st.Journal) > 0)
	}
	if err != nil {
		return fmt.Errorf("session: keep its state: %w", err)
	}
	return nil
}

// before returns what the file of a record is to hold again, nil for no file.
func (s *Session) before(r record) ([]byte, error) {
	if r.Before == "" {
		return nil, nil
	}
	content, err := s.root.ReadFile(r.undo())
	if err == nil && sum(content) != r.Before {
		err = errors.New("it is damaged")
	}
	if err != nil {
		return nil, regpass.Hintf(fmt.Errorf("what it held before is lost: %w", err), "see to the file yourself, then remove %s", s.Dir)
	}
	return content, nil
}

// wayBack works out what the file of a record, which now holds something, should hold without us. That is what it
// held before where only we changed it. Where others did too, it is their file less our entries, with their mode: it
// may hold secrets that were not there before.
func (s *Session) wayBack(r record, now found) (found, error) {
	before, err := s.before(r)
	if err != nil {
		return found{}, err
	}
	if h := sum(now.content); h == r.Before || slices.Contains(r.From, h) {
		return found{before, r.Mode}, nil
	}
	format, err := clients.FindFormat(r.Format)
	if err != nil {
		return found{}, err
	}
	content, err := format.Restore(now.content, before, r.Keys)
	if err != nil {
		return found{}, err
	}
	return found{content, now.mode}, nil
}

// clear removes what a file that was about to be written left beside it: its other half and the folders made for it,
// if they are empty.
func (r record) clear() error {
	err := os.Remove(filepath.Join(filepath.Dir(r.Path), r.temp()))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, dir := range r.made() {
		if os.Remove(dir) != nil {
			break
		}
	}
	return nil
}
