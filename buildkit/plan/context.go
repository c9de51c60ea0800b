package plan

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tonistiigi/fsutil"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/builder"
)

// maxDockerfile is the largest Dockerfile that is read from standard input, in bytes.
const maxDockerfile = 4 << 20

// remoteContext matches a context that BuildKit fetches by itself: an archive or a repository (buildx, util/urlutil).
var remoteContext = regpass.Pattern(`^(?:https?://|git://|ssh://|github\.com/|git@)|^[A-Za-z0-9._-]+@[^/:]+:`)

// addContext adds the files and the Dockerfile. The frontend reads .dockerignore.
func addContext(_ context.Context, env *regpass.Env, _ builder.Endpoint, o Options, p *Plan) error {
	attrs, file := p.Opt.FrontendAttrs, o.File
	var stdin []byte // the Dockerfile, if it comes on standard input
	switch {
	case o.Context == "-" && file == "-":
		return regpass.Usagef("standard input can be the context or the Dockerfile, not both")
	case o.Context == "-":
		in := bufio.NewReader(env.Stdin)
		if head, err := in.Peek(archiveHead); isArchive(head) {
			if err := p.addArchive(env, in, head); err != nil {
				return err
			}
		} else if err != nil && !errors.Is(err, io.EOF) {
			return err
		} else if file != "" {
			return regpass.Usagef("standard input is a Dockerfile, and --file names another")
		} else if stdin, err = regpass.ReadAll(in, maxDockerfile); err != nil {
			return err
		} else if p.Opt.LocalMounts["context"], err = fsutil.SubDirFS(nil); err != nil { // nothing but the Dockerfile
			return err
		}
	case isDir(env.Abs(o.Context)):
		dir := env.Abs(o.Context)
		if err := p.mount("context", dir); err != nil {
			return err
		}
		p.Opt.SharedKey = filepath.Base(dir)
		if file == "" {
			if err := p.mount("dockerfile", dir); err != nil {
				return err
			}
		}
	case remoteContext().MatchString(o.Context):
		attrs["context"] = o.Context
	default:
		return regpass.Hintf(regpass.Usagef("%s is no folder here", regpass.Quote(o.Context)),
			"a context is a folder, the URL of a git repository or an archive, or - for standard input")
	}
	if file == "-" {
		var err error
		if stdin, err = regpass.ReadAll(env.Stdin, maxDockerfile); err != nil {
			return err
		}
	}
	return p.addDockerfile(env, o, stdin)
}

// addDockerfile adds the Dockerfile. If the context is remote, a relative path is one inside the context.
func (p *Plan) addDockerfile(env *regpass.Env, o Options, stdin []byte) error {
	attrs := p.Opt.FrontendAttrs
	_, local := p.Opt.LocalMounts["context"]
	attrs["filename"] = "Dockerfile"
	switch {
	case stdin != nil:
		dir, err := os.MkdirTemp(env.TempDir, "regpass-")
		if err != nil {
			return err
		}
		p.undo = append(p.undo, func() error { return os.RemoveAll(dir) })
		if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), stdin, 0o600); err != nil {
			return err
		}
		attrs["dockerfilekey"] = "dockerfile"
		return p.mount("dockerfile", dir)
	case o.File == "":
		attrs["filename"] = dockerfileIn(env.Abs(o.Context))
		return nil
	case !local && !filepath.IsAbs(o.File):
		attrs["filename"] = o.File
		return nil
	}
	file := env.Abs(o.File)
	if _, err := os.Stat(file); err != nil {
		return err
	}
	attrs["filename"], attrs["dockerfilekey"] = filepath.Base(file), "dockerfile"
	return p.mount("dockerfile", filepath.Dir(file))
}

// dockerfileIn is Dockerfile, or dockerfile if the folder has only that.
func dockerfileIn(dir string) string {
	if _, err := os.Lstat(filepath.Join(dir, "Dockerfile")); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(filepath.Join(dir, "dockerfile")); err == nil {
			return "dockerfile"
		}
	}
	return "Dockerfile"
}

func (p *Plan) mount(name, dir string) error {
	files, err := fsutil.NewFS(dir)
	if err == nil {
		p.Opt.LocalMounts[name] = plainFiles{files, dir}
	}
	return err
}

// plainFiles opens plain files only, and so waits for no pipe that has the name of a file which the build reads.
type plainFiles struct {
	fsutil.FS
	dir string
}

// Open is fsutil.FS. Anything but a plain file is regpass.ErrNotPlain.
func (f plainFiles) Open(name string) (io.ReadCloser, error) {
	return regpass.OpenPlain(filepath.Join(f.dir, name))
}

func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}
