package buildkit

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"slices"

	"github.com/moby/patternmatcher/ignorefile"
	"github.com/tonistiigi/fsutil"

	"github.com/regpass/regpass"
)

// dockerfileMount is the local folder that only the Dockerfile is taken from.
const dockerfileMount = "dockerfile"

// Search looks for tokens in all that the build is given by name or as local files, as the builder's frontend would
// take them, so that a build that would leak is refused before it starts. A find is a LeakError. partly lists files of
// which only the beginning was searched. search is for an archive from standard input; nil: nobody searches it.
func (p *Plan) Search(ctx context.Context, w *Watch, search SearchImage) (partly []string, err error) {
	if err := w.Arguments("build argument", p.Args); err != nil {
		return nil, err
	}
	if err := w.Arguments("label", p.Labels); err != nil {
		return nil, err
	}
	if err := w.Arguments("option", p.Opt.FrontendAttrs); err != nil {
		return nil, err
	}
	for _, x := range p.Opt.Exports {
		if err := w.Arguments("output option", x.Attrs); err != nil {
			return nil, err
		}
	}
	if err := p.searchArchive(ctx, w, search); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(p.Opt.LocalMounts)) {
		files := p.Opt.LocalMounts[name]
		ignore, err := p.ignored(name, files)
		if err != nil {
			return nil, regpass.Hintf(err, "it says which files are part of the build")
		}
		some, err := w.Context(ctx, files, ignore)
		if err != nil {
			return nil, err
		}
		partly = append(partly, some...)
	}
	return partly, nil
}

// ignored are the patterns of what a local folder does not send: those of NAME.dockerignore beside the Dockerfile NAME
// for the context, else of the folder's own .dockerignore (BuildKit, frontend/dockerui).
func (p *Plan) ignored(mount string, files fsutil.FS) ([]string, error) {
	name := p.Opt.FrontendAttrs["filename"]
	if mount == dockerfileMount {
		return []string{"*", "!" + name}, nil
	}
	if beside := p.Opt.LocalMounts[dockerfileMount]; mount == "context" && beside != nil {
		if patterns, err := ignoreFile(beside, name+".dockerignore"); !errors.Is(err, fs.ErrNotExist) {
			return patterns, err
		}
	}
	patterns, err := ignoreFile(files, ".dockerignore")
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
	text, err := readAll(io.Reader(f), maxConfig)
	if err != nil {
		return nil, err
	}
	return ignorefile.ReadAll(bytes.NewReader(text))
}
