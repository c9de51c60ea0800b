package plan

import (
	"bytes"
	"errors"
	"io/fs"

	"github.com/moby/patternmatcher/ignorefile"
	"github.com/tonistiigi/fsutil"

	"github.com/regpass/regpass"
)

// dockerfileMount is the local folder that only the Dockerfile is taken from.
const dockerfileMount = "dockerfile"

// maxIgnoreFile is the largest .dockerignore that is read, in bytes.
const maxIgnoreFile = 4 << 20

// Ignored are the patterns of the files that the local mount does not send: those of NAME.dockerignore beside the
// Dockerfile NAME for the context, else of the folder's own .dockerignore (BuildKit, frontend/dockerui).
func (p *Plan) Ignored(mount string) ([]string, error) {
	name := p.Opt.FrontendAttrs["filename"]
	if mount == dockerfileMount {
		return []string{"*", "!" + name}, nil
	}
	if beside := p.Opt.LocalMounts[dockerfileMount]; mount == "context" && beside != nil {
		if patterns, err := ignoreFile(beside, name+".dockerignore"); !errors.Is(err, fs.ErrNotExist) {
			return patterns, err
		}
	}
	patterns, err := ignoreFile(p.Opt.LocalMounts[mount], ".dockerignore")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return patterns, err
}

func ignoreFile(files fsutil.FS, name string) ([]string, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := regpass.ReadAll(f, maxIgnoreFile)
	if err != nil {
		return nil, err
	}
	return ignorefile.ReadAll(bytes.NewReader(text))
}
