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

// Link makes links to a program, our own, in the folder of programs among the private files. Logout removes them with
// the folder.
func (s *Session) Link(ctx context.Context, program string, names []string) error {
	if len(names) == 0 {
		return nil
	}
	if !filepath.IsAbs(program) {
		return errors.New("session: the system does not say where our own program lies, so no client can ask it")
	}
	unlock, err := s.lock(ctx, lockName)
	if err != nil {
		return err
	}
	defer unlock()
	dir := filepath.Join(filesName, envsync.BinName)
	err = s.root.MkdirAll(dir, 0o700)
	for _, name := range names {
		if err == nil {
			if err = s.root.Symlink(program, filepath.Join(dir, name)); errors.Is(err, fs.ErrExist) {
				err = nil // of an earlier login; the folder is ours alone
			}
		}
	}
	if err != nil {
		err = fmt.Errorf("session: link the helpers in %s: %w", s.Files(), regpass.Reason(err))
		return regpass.Hintf(err, "name the sinks that you need with --to, such as --to netrc")
	}
	return nil
}
