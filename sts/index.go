package sts

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/regpass/regpass"
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
	reserved []*regexp.Regexp // of normalized project names
}

func (s *Service) openIndex(x Index) (*index, error) {
	open := &index{Index: x}
	for _, p := range x.Reserved {
		open.reserved = append(open.reserved, pattern(normal(p)))
	}
	var err error
	if x.Upstream != "" {
		open.upstream, err = newUpstream(x, s.env)
		return open, err
	}
	if open.folder = s.opened(x); open.folder != nil {
		return open, nil
	}
	open.folder, err = openFolder(x.Folder, x.Kind, s.env.Now())
	if errors.Is(err, fs.ErrNotExist) {
		where := ""
		if s.cfg.File != "" {
			where = "; a relative path begins at the folder of " + s.cfg.File
		}
		return nil, regpass.Hintf(fmt.Errorf("there is no folder %s", x.Folder+where),
			"if the index is new, make it: mkdir %[1]s && touch %[1]s/%[2]s", regpass.Quote(x.Folder), emptyMark)
	}
	return open, err
}

// opened returns the folder of another index if it is that of x, too: uploads to both must see each other.
func (s *Service) opened(x Index) *folder {
	for _, other := range s.indexes {
		if other.folder == nil || other.Kind != x.Kind {
			continue
		}
		here, err := os.Stat(x.Folder)
		there, bad := os.Stat(other.Folder)
		if err == nil && bad == nil && os.SameFile(here, there) {
			return other.folder
		}
	}
	return nil
}

// reserves reports whether a project is at home in the index.
func (x *index) reserves(project string) bool {
	return slices.ContainsFunc(x.reserved, func(p *regexp.Regexp) bool { return p.MatchString(project) })
}

// absent is the answer for a project that the index does not have.
func (x *index) absent(project string) error {
	if x.reserves(project) {
		return forbidden.with("the index does not have the project, and its name is reserved, so that no other provides it")
	}
	return notFound.with("the index has no such project")
}

// elsewhere refuses a project that is at home in other indexes of the workspace only: no upstream is asked for it, and
// none is taken from or into a folder, where whoever may publish to that index alone could put it.
func (s *Service) elsewhere(x *index, project string) error {
	if x.reserves(project) {
		return nil
	}
	for id, other := range s.indexes {
		if id.workspace == x.Workspace && other.reserves(project) {
			return forbidden.with("the name of the project is reserved for another index of the workspace; ask that first")
		}
	}
	return nil
}

// reading authorizes a read and returns the index that it is for.
func (s *Service) reading(c *call, kind Kind) (*index, error) {
	workspace, of := c.args[0], c.args[1]
	if err := s.authorize(c, Read, workspace, of); err != nil {
		return nil, err
	}
	x := s.indexes[indexID{workspace, kind, of}]
	if x == nil { // not 404: that would be an answer about the project, and the client would ask the next index
		return nil, forbidden.with("the workspace has no %s index of this name", kind)
	}
	return x, nil
}

// packageFile is a wheel or sdist in the listing of an index.
type packageFile struct {
	name           string
	url            string // at the upstream, relative to the listing's page; empty for a file in a folder
	sha256         string // in hex; empty if unknown
	size           int64  // bytes; -1 if unknown
	modified       time.Time
	requiresPython string
	yanked         any // bool, or the reason (PEP 592)
}

// listing is what an index says of a project.
type listing struct {
	files  []packageFile
	exists bool     // false: the index does not have the project
	page   *url.URL // of upstream; nil: a folder's. Its files' URLs are kept as they are there, since this may be long
	size   int      // bytes that it takes in memory, about
}

// listing lists the files of a project for a client, whose key or policy reads maxFetching pages at once.
func (s *Service) listing(c *call, x *index, project string) (listing, error) {
	ctx := c.r.Context()
	if err := s.elsewhere(x, project); err != nil { // at a 404 a client could go on to a public index
		return listing{}, err
	}
	if x.upstream == nil {
		return x.folder.listing(project)
	}
	key := x.Workspace + "/" + x.Name + "/" + project
	now := s.env.Now()
	if known, ok := s.pages.get(key, now); ok {
		return known, nil
	}
	select {
	case s.fetching[c.subject] <- struct{}{}:
		defer func() { <-s.fetching[c.subject] }()
	case <-ctx.Done():
		return listing{}, unavailable.with("too many pages are being read for this key or policy")
	}
	if known, ok := s.pages.get(key, now); ok { // read while this request waited
		return known, nil
	}
	got, err := x.upstream.listing(ctx, project)
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
	if err := s.elsewhere(x, project); err != nil {
		return err
	}
	if x.folder != nil {
		return x.folder.send(c, "application/octet-stream", file)
	}
	listed, err := s.listing(c, x, project)
	if err != nil {
		return err
	}
	for _, f := range listed.files {
		if f.name == file {
			to, err := listed.page.Parse(f.url)
			if err != nil {
				return badUpstream.with("the upstream index links to an invalid URL")
			}
			return x.upstream.send(c, "application/octet-stream", to.String())
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
