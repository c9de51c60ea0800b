package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// Link makes the links of a plan among the private files, and those of the names in Programs to program, our own.
// Logout removes them with the folder.
func (s *Session) Link(ctx context.Context, program string, plan envsync.Plan) error {
	links := plan.Links
	for _, name := range plan.Programs {
		if !filepath.IsAbs(program) {
			return errors.New("session: the system does not say where our own program lies, so no client can ask it")
		}
		links = append(links, envsync.Link{Path: filepath.Join(s.Files(), envsync.BinName, name), Target: program})
	}
	if len(links) == 0 {
		return nil
	}
	unlock, err := s.lock(ctx, lockName)
	if err != nil {
		return err
	}
	defer unlock()
	for _, l := range links {
		if err := s.linkOne(l); err != nil {
			err = fmt.Errorf("session: link %s: %w", l.Path, regpass.Reason(err))
			return regpass.Hintf(err, "name the sinks that you need with --to, such as --to netrc")
		}
	}
	return nil
}

func (s *Session) linkOne(l envsync.Link) error {
	name, err := s.within(l.Path)
	if err == nil {
		err = s.root.MkdirAll(filepath.Dir(name), 0o700)
	}
	if err == nil {
		err = s.root.Symlink(l.Target, name)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil // of an earlier write; the folder is ours alone
	}
	return err
}
