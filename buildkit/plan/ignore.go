package plan

import (
	"bytes"
	"errors"
	"io/fs"

	"github.com/moby/patternmatcher/ignorefile"
	"github.com/tonistiigi/fsutil"

	"github.com/regpass/regpass"
)

// dockerfileMount is the name of the local mount of which only the Dockerfile is sent.
const dockerfileMount = "dockerfile"

// maxIgnoreFile is the largest .dockerignore that is read, in bytes.
const maxIgnoreFile = 4 << 20

// Ignored lists the patterns of the files that a local mount does not send. For the context they come from
// NAME.dockerignore beside the Dockerfile NAME, otherwise from the folder's own .dockerignore (BuildKit,
// frontend/dockerui).
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
