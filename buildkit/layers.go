package buildkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"

	"github.com/regpass/regpass/buildkit/builder"
	"github.com/regpass/regpass/buildkit/leak"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
)

// layers runs build. If steps were given secrets, now or in an earlier build whose steps are in the builder's cache, it
// then has the builder send the layers here and searches them before anything is exported, also for files that a later
// step deleted. The builder still holds the steps that it has just run, so none runs twice. A leak is a leak.Error.
//
// Layers that only stay in the builder's cache are searched too: a later job, which does not know the token, may take
// them from there. Layers of other stages are searched if they go into an exported cache. An output of files is
// searched as well: files keep all their extended attributes, of which layers have none but security.capability
// (containerd, pkg/archive; fsutil, tarwriter.go).
func (b Build) layers(e builder.Endpoint, opt client.SolveOpt, build gateway.BuildFunc) gateway.BuildFunc {
	return func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		res, err := build(ctx, c)
		leaves := len(b.Plan.Opt.Exports)+len(b.Plan.Opt.CacheExports) > 0
		if err != nil && b.SearchImage != nil && b.handedOut() && ctx.Err() == nil && b.Watch.Err() == nil {
			return nil, errors.Join(err, b.searchCompleted(ctx, c, e, opt))
		}
		if err != nil || b.SearchImage == nil || !b.handedOut() && !(b.Earlier && leaves) {
			return res, err
		}
		// One after the other: a platform's image may be as large as the disk of a small runner can take.
		err = res.EachRef(func(r gateway.Reference) error { return b.searchLayers(ctx, e, opt, r) })
		if found := b.Watch.Err(); found != nil {
			return nil, found
		}
		if err != nil {
			return nil, fmt.Errorf("build: search the layers: %w", err)
		}
		return res, nil
	}
}

// searchCompleted searches what the steps of a build that failed left in the builder's cache: another build may take it
// from there.
func (b Build) searchCompleted(ctx context.Context, c gateway.Client, e builder.Endpoint, opt client.SolveOpt) error {
	if err := b.Watch.Drain(ctx, c); err != nil { // which steps came to their end is reported
		return err
	}
	for _, def := range b.Watch.Definitions() {
		parts, err := completedParts(def, b.Watch.Completed)
		for _, part := range parts {
			err = errors.Join(err, b.searchSent(ctx, e, opt, part, exporter(e)))
		}
		if err != nil {
			return fmt.Errorf("build: search the layers: %w", err)
		}
	}
	return nil
}

// searchLayers has the builder send the layers of r, in each form in which they will leave the builder.
func (b Build) searchLayers(ctx context.Context, e builder.Endpoint, opt client.SolveOpt, r gateway.Reference) error {
	def, err := leak.Definition(ctx, r)
	if err != nil {
		return err
	}
	all := def
	if b.Plan.CachesAllStages() {
		if all, err = mergeAllStages(ctx, def); err != nil {
			return err
		}
	}
	if err := b.searchSent(ctx, e, opt, all, exporter(e)); err != nil {
		return err
	}
	if !b.Plan.ExportsFiles() || exporter(e) == client.ExporterTar {
		return nil
	}
	if b.Watch.Err() != nil {
		return nil // one find is enough
	}
	return b.searchSent(ctx, e, opt, def, client.ExporterTar)
}

// searchSent has the builder export the result of def, and searches it. It has the session of the build, since base
// images that were not needed whole so far are fetched with its credentials, and the folders of the build, since the
// client looks for those that a definition names.
func (b Build) searchSent(
	ctx context.Context, e builder.Endpoint, opt client.SolveOpt, def *llb.Definition, exporter string,
) error {
	read, write := io.Pipe()
	var searched error
	var searching sync.WaitGroup
	searching.Go(func() {
		searched = b.Watch.Image(ctx, read, b.SearchImage)
		_ = read.CloseWithError(searched) // never fails
	})
	_, err := e.Client.Solve(ctx, def, client.SolveOpt{
		Internal:            true, // the builder keeps no record of it
		AllowedEntitlements: opt.AllowedEntitlements,
		LocalMounts:         opt.LocalMounts,
		OCIStores:           opt.OCIStores,
		Session:             opt.Session,
		Exports: []client.ExportEntry{{
			Type:   exporter,
			Output: func(map[string]string) (io.WriteCloser, error) { return write, nil },
		}},
	}, nil)
	_ = write.CloseWithError(err) // never fails
	searching.Wait()
	return errors.Join(err, searched)
}

// exporter is the exporter with which the builder can send layers. A Docker daemon without an image store can send only
// the final files.
func exporter(e builder.Endpoint) string {
	if e.ImageStore() {
		return client.ExporterOCI
	}
	return client.ExporterTar
}
