package sts

import (
	"context"
	"path/filepath"
	"time"
)

// indexID identifies an index: a workspace may have a pypi and a conda index of the same name.
type indexID struct {
	workspace string
	kind      Kind
	name      string
}

func (x Index) id() indexID { return indexID{x.Workspace, x.Kind, x.Name} }

// index is an open Index. It has either a folder or an upstream.
type index struct {
	Index
	folder   *folder
	upstream *upstream
}

func (s *Service) openIndex(x Index) (*index, error) {
	if x.Upstream != "" {
		up, err := newUpstream(x, s.env)
		return &index{Index: x, upstream: up}, err
	}
	f, err := openFolder(x.Folder, s.env.Now())
	return &index{Index: x, folder: f}, err
}

// reading authorizes a read and returns the index that it is for.
func (s *Service) reading(c *call, kind Kind) (*index, error) {
	workspace, of := c.args[0], c.args[1]
	if err := s.authorize(c, Read, workspace, of); err != nil {
		return nil, err
	}
	x := s.indexes[indexID{workspace, kind, of}]
	if x == nil {
		return nil, notFound.with("the workspace has no %s index of this name", kind)
	}
	return x, nil
}

// packageFile is a wheel or sdist in the listing of an index.
type packageFile struct {
	name           string
	url            string // at the upstream; empty for a file in a folder
	sha256         string // in hex; empty if unknown
	size           int64  // bytes; -1 if unknown
	modified       time.Time
	requiresPython string
	yanked         any // bool, or the reason (PEP 592)
}

// files lists the files of a project. An unknown project has none.
func (s *Service) files(ctx context.Context, x *index, project string) ([]packageFile, error) {
	if x.upstream == nil {
		return x.folder.files(project)
	}
	key := x.Workspace + "/" + x.Name + "/" + project
	now := s.env.Now()
	if known, ok := s.pages.get(key, now); ok {
		return known, nil
	}
	got, err := x.upstream.files(ctx, project)
	if err == nil {
		s.pages.set(key, got, now.Add(pageTTL), now)
	}
	return got, err
}

// packageFile answers with a wheel or an sdist.
func (s *Service) packageFile(c *call) error {
	x, err := s.reading(c, PyPI)
	if err != nil {
		return err
	}
	file := c.args[2]
	project, _, ok := parseFilename(file)
	if !ok {
		return notFound.with("not a wheel or sdist file name")
	}
	c.object = file
	if x.folder != nil {
		return x.folder.send(c, "application/octet-stream", file)
	}
	listed, err := s.files(c.r.Context(), x, project)
	if err != nil {
		return err
	}
	for _, f := range listed {
		if f.name == file {
			return x.upstream.send(c, "application/octet-stream", f.url)
		}
	}
	return notFound.with("the index has no such file")
}

// condaTypes are the media types of a channel's files by extension; others are application/octet-stream. So is HTML: a
// channel must not run scripts on this origin.
var condaTypes = map[string]string{
	".json": "application/json", ".zst": "application/zstd", ".html": "application/octet-stream",
}

// condaFile answers with a file of a channel, such as SUBDIR/repodata.json or SUBDIR/NAME-1.0-0.conda.
func (s *Service) condaFile(c *call) error {
	x, err := s.reading(c, Conda)
	if err != nil {
		return err
	}
	path := c.args[2:]
	for _, part := range path {
		if part == "" || part[0] == '.' {
			return notFound.with("the channel has no such file")
		}
	}
	c.object = path[len(path)-1]
	mime := condaTypes[filepath.Ext(c.object)]
	if mime == "" {
		mime = "application/octet-stream"
	}
	if x.folder != nil {
		return x.folder.send(c, mime, filepath.Join(path...))
	}
	return x.upstream.send(c, mime, x.upstream.base.JoinPath(path...).String())
}
