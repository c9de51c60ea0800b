package inject

import (
	"context"
	"maps"

	dockerfile "github.com/moby/buildkit/frontend/dockerfile/builder"
	gateway "github.com/moby/buildkit/frontend/gateway/client"

	"github.com/regpass/regpass"
)

// Frontend is a gateway.BuildFunc: it turns the Dockerfile into steps in this process and gives them the secrets. A
// frontend that a Dockerfile names with `# syntax=` runs inside the builder, where secrets cannot be added. So the
// frontend that is part of this program takes the place of BuildKit's own; any other is an error.
func (i *Injector) Frontend(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
	return dockerfile.Build(ctx, &injecting{Client: c, injector: i})
}

// injecting is a client that adds the secrets to the steps which the frontend asks for.
type injecting struct {
	gateway.Client
	injector *Injector
	opts     map[string]string // in place of the client's own; nil: the client's own
}

// BuildOpts returns the options of the build.
func (c *injecting) BuildOpts() gateway.BuildOpts {
	o := c.Client.BuildOpts()
	if c.opts != nil {
		o.Opts = c.opts
	} else {
		o.Opts = maps.Clone(o.Opts) // the frontend writes into it when it hands over to another frontend
	}
	return o
}

// Solve runs the steps of req with the secrets in them.
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

// ownFrontend matches the value of `# syntax=` for BuildKit's Dockerfile frontend. labs matches its labs channel, which
// has instructions that the others lack (frontend/dockerfile/docs/reference.md, "syntax").
var ownFrontend = regpass.Pattern(`^(docker\.io/)?docker/dockerfile(-upstream)?` +
	`(:[0-9A-Za-z_.]+(-[0-9A-Za-z_.]+)*)?(@sha256:[0-9a-f]{64})?$`)

var labs = regpass.Pattern(`[:-]labs(@|$)`)

// handover runs this program's frontend when it hands over to the one that the Dockerfile names. With "cmdline" set, it
// does not hand over again (frontend/dockerfile/builder/build.go).
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
