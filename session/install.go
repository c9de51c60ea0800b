package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/regpass/regpass"
)

// link is a symbolic link outside of the session's folder.
type link struct {
	Path, To string // absolute
	Made     int    // number of folders above the link that were made for it
}

func (l link) check() error {
	if !filepath.IsAbs(l.Path) || filepath.Clean(l.Path) != l.Path || l.Made < 0 || l.Made > 100 {
		return errors.New("a link in it is malformed")
	}
	return nil
}

// Install makes links to a program under names by which clients look for a helper, in a folder of the user's, and keeps
// for which registries they are, as regpass.Ref.Text. The journal names the links before they are made, so End removes
// them. A name that is taken is an error, and then no link is made.
func (s *Session) Install(ctx context.Context, program, dir string, names, refs []string) error {
	unlock, err := s.lock(ctx, lockName)
	if err != nil {
		return err
	}
	defer unlock()
	st, err := s.load()
	if err != nil {
		return err
	}
	var missingLinks []link
	for _, name := range names {
		l := link{Path: filepath.Join(dir, name), To: program, Made: missing(filepath.Join(dir, name))}
		is, err := l.is()
		if err != nil {
			return fmt.Errorf("link %s: %w", l.Path, err)
		}
		at := slices.IndexFunc(st.Links, func(o link) bool { return o.Path == l.Path })
		if at >= 0 {
			l.Made = st.Links[at].Made
		}
		switch {
		case is == "" && at >= 0:
			st.Links[at] = l
			missingLinks = append(missingLinks, l)
		case is == "":
			st.Links = append(st.Links, l)
			missingLinks = append(missingLinks, l)
		case is == program: // ours, or made by hand
		case at >= 0 && is == st.Links[at].To: // an earlier install, of a program that has moved
			if err := os.Remove(l.Path); err != nil {
				return fmt.Errorf("link: %w", err)
			}
			st.Links[at] = l
			missingLinks = append(missingLinks, l)
		default:
			err := fmt.Errorf("link %s: it is there already, and leads to %s", l.Path, regpass.Quote(is))
			return regpass.Hintf(err, "remove it, or name another folder with --bin")
		}
	}
	for _, ref := range refs {
		if !slices.Contains(st.Refs, ref) {
			st.Refs = append(st.Refs, ref)
		}
	}
	if err := s.save(st); err != nil {
		return err
	}
	for _, l := range missingLinks {
		err := os.MkdirAll(filepath.Dir(l.Path), 0o755)
		if err == nil {
			err = os.Symlink(l.To, l.Path)
		}
		if err != nil {
			return regpass.Hintf(fmt.Errorf("link: %w", err), "name a folder that you can write with --bin")
		}
	}
	return nil
}

// is returns where the link leads now; empty: nothing is there. Anything but a link is an error.
func (l link) is() (to string, err error) {
	st, err := os.Lstat(l.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", regpass.Reason(err)
	case st.Mode()&fs.ModeSymlink == 0:
		err := errors.New("another program of that name is there")
		return "", regpass.Hintf(err, "remove it, or name another folder with --bin")
	}
	return os.Readlink(l.Path)
}

// remove removes the link, unless something else has taken its place, and the folders that were made for it if they are
// empty.
func (l link) remove() (how string, err error) {
	is, err := l.is()
	switch {
	case err != nil || is != "" && is != l.To:
		return l.Path + " is another program's by now, and stays", nil
	case is != "":
		if err := os.Remove(l.Path); err != nil {
			return "", err
		}
		how = "removed " + l.Path
	}
	dir := filepath.Dir(l.Path)
	for range l.Made {
		if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // one may be gone, after a kill
			break
		}
		dir = filepath.Dir(dir)
	}
	return how, nil
}

// Named lists the registries that an installed helper is for.
func (s *Session) Named() ([]string, error) {
	st, err := s.load()
	return st.Refs, err
}
