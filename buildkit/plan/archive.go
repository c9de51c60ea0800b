package plan

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/moby/buildkit/session/upload/uploadprovider"

	"github.com/regpass/regpass"
)

// addArchive has the builder fetch the context that comes on standard input and begins with head. Until then a private
// file holds it, since it is searched before the build begins.
func (p *Plan) addArchive(env *regpass.Env, in io.Reader, head []byte) error {
	if isUnsearchable(head) {
		p.Warnings = append(p.Warnings,
			"the archive on standard input is packed with bzip2 or xz, so it is not searched for tokens; gzip and zstd are")
	}
	dir, err := os.MkdirTemp(env.TempDir, "regpass-")
	if err != nil {
		return err
	}
	p.Archive = filepath.Join(dir, "context")
	f, err := os.OpenFile(p.Archive, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	p.undo = append(p.undo, func() error {
		_ = f.Close() // the client has closed it after sending
		return os.RemoveAll(dir)
	})
	if _, err := io.Copy(f, in); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	up := uploadprovider.New()
	p.Opt.FrontendAttrs["context"] = up.Add(f)
	p.Opt.Session = append(p.Opt.Session, up)
	return nil
}

// archiveHead is how much of standard input tells an archive from a Dockerfile, in bytes: the size of a tar header.
const archiveHead = 512

// isArchive recognizes tar and its compressed forms by their first bytes (buildx, build/utils.go).
func isArchive(head []byte) bool {
	ustar := len(head) >= 262 && string(head[257:262]) == "ustar" // POSIX.1-1988, and GNU's too
	return ustar || isUnsearchable(head) || hasPrefix(head, "\x1f\x8b\x08", "\x28\xb5\x2f\xfd")
}

// isUnsearchable recognizes bzip2 and xz, which are not decompressed here: there is no library that does it fast.
func isUnsearchable(head []byte) bool { return hasPrefix(head, "BZh", "\xfd7zXZ\x00") }

func hasPrefix(head []byte, magic ...string) bool {
	return slices.ContainsFunc(magic, func(m string) bool { return bytes.HasPrefix(head, []byte(m)) })
}
