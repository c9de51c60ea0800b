package buildkit

import (
	"context"
	"maps"
	"os"
	"slices"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/leak"
	"github.com/regpass/regpass/buildkit/plan"
)

// Search looks for tokens in all that the build is given by name or as local files, as the builder's frontend would
// take them, so that a build that would leak is refused before it starts. A find is a leak.Error. partly lists files of
// which only the beginning was searched. search is for an archive from standard input; nil: nobody searches it.
func Search(ctx context.Context, p *plan.Plan, w *leak.Watch, search leak.SearchFunc) (partly []string, err error) {
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
	if err := searchArchive(ctx, p, w, search); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(p.Opt.LocalMounts)) {
		ignore, err := p.Ignored(name)
		if err != nil {
			return nil, regpass.Hintf(err, "it says which files are part of the build")
		}
		some, err := w.Context(ctx, p.Opt.LocalMounts[name], ignore)
		if err != nil {
			return nil, err
		}
		partly = append(partly, some...)
	}
	return partly, nil
}

// searchArchive looks for tokens in all files of the archive; .dockerignore is not for archives.
func searchArchive(ctx context.Context, p *plan.Plan, w *leak.Watch, search leak.SearchFunc) error {
	if p.Archive == "" || search == nil {
		return nil
	}
	f, err := os.Open(p.Archive)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return w.Archive(ctx, f, search)
}
