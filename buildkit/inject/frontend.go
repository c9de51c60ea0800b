package inject

import (
	"context"
	"maps"

	dockerfile "github.com/moby/buildkit/frontend/dockerfile/builder"
	gateway "github.com/moby/buildkit/frontend/gateway/client"

	"github.com/regpass/regpass"
)

// Frontend is a gateway.BuildFunc: it turns the Dockerfile into steps in this process and gives them the secrets. Only
// so can they be added: a frontend that a Dockerfile names with `# syntax=` runs inside the builder. BuildKit's own are
// stood in for by the one that is part of this program; any other is an error.
func (i *Injector) Frontend(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
	return dockerfile.Build(ctx, &injecting{Client: c, injector: i})
}

// injecting rewrites what the frontend has the builder do.
type injecting struct {
	gateway.Client
	injector *Injector
	opts     map[string]string // instead of the client's own, or nil
}

// BuildOpts returns the options of the build.
func (c *injecting) BuildOpts() gateway.BuildOpts {
	o := c.Client.BuildOpts()
	if c.opts != nil {
		o.Opts = c.opts
	} else {
		o.Opts = maps.Clone(o.Opts) // the frontend writes into it when it hands over to another one
	}
	return o
}

// Solve has the steps of req done, with the secrets in them.
func (c *injecting) Solve(ctx context.Context, req gateway.SolveRequest) (*gateway.Result, error) {
	if req.Frontend != "" {
		return c.handover(ctx, req.FrontendOpt)
	}
	def, err := c.injector.Rewrite(req.Definition)
	if err != nil {
		return nil, err
	}
	req.Definition = def
	return c.Client.Solve(ctx, req)
}

// ownFrontend matches what stands behind `# syntax=` for BuildKit's Dockerfile frontend, but for its labs channel,
// which knows instructions that the others do not (frontend/dockerfile/docs/reference.md, "syntax").
var ownFrontend = regpass.Pattern(`^(docker\.io/)?docker/dockerfile(-upstream)?` +
	`(:[0-9A-Za-z_.]+(-[0-9A-Za-z_.]+)*)?(@sha256:[0-9a-f]{64})?$`)

var labs = regpass.Pattern(`[:-]labs(@|$)`)

// handover is what the frontend does when the Dockerfile names another one. With "cmdline" set it does not again
// (frontend/dockerfile/builder/build.go).
func (c *injecting) handover(ctx context.Context, opts map[string]string) (*gateway.Result, error) {
	ref := opts["source"]
	if !ownFrontend().MatchString(ref) || labs().MatchString(ref) || c.opts != nil {
		return nil, regpass.Hintf(
			regpass.Usagef("build: inject: the Dockerfile is for the frontend %s, which runs inside the builder, where its "+
				"steps cannot be given secrets", regpass.Quote(ref)),
			"take out its syntax line, or build without --inject and mount the secrets in the Dockerfile")
	}
	return dockerfile.Build(ctx, &injecting{Client: c.Client, injector: c.injector, opts: opts})
}
