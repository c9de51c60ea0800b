// Package plan turns the flags of `docker buildx build` into a client.SolveOpt for BuildKit's client.
package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/session"
	"github.com/tonistiigi/fsutil"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/builder"
)

// Plan is a build that is ready to run on one endpoint. Close it when the build is over.
type Plan struct {
	Opt      client.SolveOpt   // its Session lacks the secrets and the registry credentials
	Args     map[string]string // build arguments by name
	Labels   map[string]string // of the image, by name
	Warnings []string          // differences from the options, one line each
	// Push names the images that the Docker daemon must push after the build, because its BuildKit can't.
	Push    []string
	Archive string // path of the file that keeps a context from standard input, or ""
	undo    []func() error
}

// Close removes the files that were made for the build.
func (p *Plan) Close() error {
	var errs []error
	for _, undo := range p.undo {
		errs = append(errs, undo())
	}
	p.undo = nil
	return errors.Join(errs...)
}

// part makes one part of a Plan.
type part struct {
	name string
	add  func(context.Context, *regpass.Env, builder.Endpoint, Options, *Plan) error
}

// parts make a Plan, in this order: the exports look at the attributes.
var parts = []part{
	{"--build-arg", addArgs},
	{"--label", func(_ context.Context, _ *regpass.Env, _ builder.Endpoint, o Options, p *Plan) (err error) {
		p.Labels, err = pairs(o.Labels)
		p.attrs("label:", p.Labels)
		return err
	}},
	{"context", addContext},
	{"--build-context", addNamedContexts},
	{"--add-host", addHosts},
	{"--shm-size", addShmSize},
	{"--ulimit", addUlimits},
	{"--network", addNetwork},
	{"--platform", addPlatforms},
	{"--attest", addAttests},
	{"--cache-from", func(_ context.Context, env *regpass.Env, e builder.Endpoint, o Options, p *Plan) (err error) {
		p.Opt.CacheImports, err = caches(env, o.CacheFrom, p)
		return err
	}},
	{"--cache-to", addCacheTo},
	{"--output", addExports},
	{"--annotation", addAnnotations},
	{"--ssh", addSSH},
	{"flags", addFlags},
}

// Plan makes the Plan for one endpoint. It reads a Dockerfile or an archive from standard input if the options say so,
// and asks Docker which images it can load. A wrong option is regpass.ErrUsage.
func (o Options) Plan(ctx context.Context, env *regpass.Env, e builder.Endpoint) (*Plan, error) {
	p := &Plan{Opt: client.SolveOpt{
		Frontend: "dockerfile.v0",
		// The client writes into this map, so it must not be nil.
		FrontendAttrs: map[string]string{},
		LocalMounts:   map[string]fsutil.FS{},
		Session:       []session.Attachable{},
		Internal:      o.NoHistory,
	}}
	for _, part := range parts {
		if err := part.add(ctx, env, e, o, p); err != nil {
			return nil, errors.Join(fmt.Errorf("build: %s: %w", part.name, err), p.Close())
		}
	}
	return p, nil
}

// noImageStore refuses an option that needs an image store (builder.Endpoint.ImageStore).
func noImageStore(format string, args ...any) error {
	return regpass.Hintf(regpass.Usagef("this Docker daemon "+format, args...),
		"make a builder: `docker buildx create --use`")
}

func (p *Plan) attrs(prefix string, values map[string]string) {
	for name, value := range values {
		p.Opt.FrontendAttrs[prefix+name] = value
	}
}

// CachesAllStages reports whether an exported cache will have the layers of all steps (BuildKit, control/control.go,
// parseCacheExportMode).
func (p *Plan) CachesAllStages() bool {
	return slices.ContainsFunc(p.Opt.CacheExports,
		func(c client.CacheOptionsEntry) bool { return c.Attrs["mode"] == "max" })
}

// ExportsFiles reports whether an output consists of the final files, not of layers.
func (p *Plan) ExportsFiles() bool {
	return slices.ContainsFunc(p.Opt.Exports, func(x client.ExportEntry) bool {
		return x.Type == client.ExporterLocal || x.Type == client.ExporterTar
	})
}
