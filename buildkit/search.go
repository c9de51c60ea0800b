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

// Search refuses a build that would leak before it starts: it looks for tokens in all named values and local files of
// the build, as the builder's frontend would take them. A token is a leak.Error. partly lists the files of which only
// the beginning was searched. search is for an archive from standard input; nil: it is not searched.
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
			return nil, regpass.Hintf(err, "this file says which files are part of the build")
		}
		some, err := w.Context(ctx, p.Opt.LocalMounts[name], ignore)
		if err != nil {
			return nil, err
		}
		partly = append(partly, some...)
	}
	return partly, nil
}

// searchArchive looks for tokens in all files of the archive; .dockerignore does not apply to archives.
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
