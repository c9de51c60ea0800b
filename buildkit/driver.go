// Package buildkit does one build from end to end: it runs the build, searches its output, and explains its failure.
package buildkit

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"strings"
	"sync"

	"github.com/moby/buildkit/client"

	"github.com/regpass/regpass/buildkit/builder"
	"github.com/regpass/regpass/buildkit/leak"
	"github.com/regpass/regpass/buildkit/plan"
	"github.com/regpass/regpass/buildkit/secret"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/identity"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth/authprovider"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/progress/progressui"
	"github.com/moby/buildkit/util/progress/progresswriter"

	"github.com/regpass/regpass"
)

// Build is one build.
type Build struct {
	Plan     *plan.Plan
	Secrets  *secret.Store
	Watch    *leak.Watch
	Revoker  Revoker
	Earlier  bool              // earlier builds of the job had tokens, and their cached steps may hold one
	Frontend gateway.BuildFunc // nil: the builder's own
	// SearchImage searches the layers before anything is exported; nil: they are not searched.
	SearchImage leak.SearchFunc
	Mode        string       // how progress is shown: one of Modes
	Out         io.Writer    // where; an *os.File for the form that terminals have
	Warn        func(string) // takes each warning of the builder, quoted; nil: warnings are dropped
}

// Revoker ends credentials.
type Revoker interface {
	// Revoke ends the credentials that leaked, named by their fingerprints, also when ctx has ended.
	Revoke(ctx context.Context, fingerprints []string)
}

// Modes are the ways to show progress.
var Modes = []string{"auto", "plain", "tty", "quiet", "rawjson"}

// Result describes the export in the builder's words, by keys such as containerimage.digest
// (BuildKit, exporter/containerimage/exptypes).
type Result map[string]string

// Run has the endpoint do the build. Nothing is exported, pushed or kept as a cache elsewhere before all output of the
// steps has been searched for the tokens that they were given. A token that shows up is a leak.Error: it is revoked,
// and the builder's record of the build is deleted together with all that the build left in its cache. The builder's
// words in an error are quoted.
func (b Build) Run(ctx context.Context, env *regpass.Env, e builder.Endpoint) (Result, error) {
	display, err := progressui.NewDisplay(b.Out, progressui.DisplayMode(b.Mode))
	if err != nil {
		return nil, regpass.Usagef("build: --progress: %w", err)
	}
	opt := b.Plan.Opt
	opt.Ref = identity.NewID()
	reported := newProgress()
	auth := authprovider.NewDockerAuthProvider(
		authprovider.DockerAuthProviderConfig{AuthConfigProvider: b.Secrets.RegistryAuth})
	if a, ok := auth.(interface{ SetLogger(progresswriter.Logger) }); ok {
		a.SetLogger(reported.add)
	}
	opt.Session = append([]session.Attachable{secretsprovider.NewSecretProvider(b.Secrets), auth}, opt.Session...)

	// The streams end when they are closed, not with ctx, so that the last words of a canceled build are shown too.
	rest := context.WithoutCancel(ctx)
	watched, shown := make(chan *client.SolveStatus), make(chan *client.SolveStatus)
	steps := newStepLog()
	var streams sync.WaitGroup
	streams.Go(func() { b.Watch.Filter(rest, reported.all, watched) })
	streams.Go(func() { steps.note(watched, shown) })
	streams.Go(func() {
		warnings, _ := display.UpdateFrom(rest, shown) // it fails only if rest ends
		for _, w := range warnings {
			if b.Warn == nil {
				return
			}
			b.Warn(regpass.Quote(string(w.Short)))
		}
	})

	for name, value := range opt.FrontendAttrs { // contexts may be URLs
		if name == "context" || strings.HasPrefix(name, "context:") {
			b.Secrets.Fetches([]string{value})
		}
	}
	statuses := make(chan *client.SolveStatus)
	streams.Go(func() { reported.addAll(statuses) })
	frontend := &frontend{next: b.layers(e, opt, b.Watch.Guard(b.frontend(opt), b.noteFetches, b.handedOut))}
	resp, err := e.Client.Build(ctx, opt, "regpass", frontend.build, statuses)
	reported.close()
	streams.Wait()
	if found := b.Watch.Err(); found != nil {
		b.Revoker.Revoke(ctx, b.leakedTokens()) // first, since the builder takes its time to delete
		records := b.Watch.LeakedRecords(steps.began, steps.completed)
		return nil, errors.Join(found, b.forget(rest, env, e, opt), e.Prune(rest, env, records))
	}
	if err != nil {
		return nil, steps.explain(b, context.Cause(ctx), cmp.Or(frontend.err(), err))
	}
	if err := push(ctx, b.Plan, e, b.Secrets.RegistryAuth); err != nil {
		return nil, err
	}
	return resp.ExporterResponse, nil
}

// noteFetches tells the store what BuildKit itself fetches for the steps.
func (b Build) noteFetches(def *pb.Definition) {
	for _, dt := range def.Def {
		var op pb.Op
		if op.Unmarshal(dt) != nil || op.GetSource() == nil { // what cannot be read is sent nothing
			continue
		}
		from := op.GetSource().Identifier
		if rest, isGit := strings.CutPrefix(from, "git://"); isGit {
			from = cmp.Or(op.GetSource().Attrs[pb.AttrFullRemoteURL], "https://"+rest)
		}
		b.Secrets.Fetches([]string{from})
	}
}

// handedOut reports whether any step was given a secret so far.
func (b Build) handedOut() bool { return len(b.Secrets.Minted()) > 0 }

// leakedTokens are the fingerprints of the tokens that were found.
func (b Build) leakedTokens() []string {
	var all []string
	for _, l := range b.Watch.Leaks() {
		all = append(all, l.Fingerprint)
	}
	return all
}

// forget deletes the builder's record of the build, where it keeps one.
func (b Build) forget(ctx context.Context, env *regpass.Env, e builder.Endpoint, opt client.SolveOpt) error {
	if opt.Internal {
		return nil
	}
	return e.Forget(ctx, env, opt.Ref)
}

// frontend returns the function that turns the Dockerfile into steps: by default the builder does.
func (b Build) frontend(opt client.SolveOpt) gateway.BuildFunc {
	if b.Frontend != nil {
		return b.Frontend
	}
	return func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		return c.Solve(ctx, gateway.SolveRequest{Frontend: opt.Frontend, FrontendOpt: maps.Clone(opt.FrontendAttrs)})
	}
}

// frontend keeps its error, since the builder passes on only the text of one.
type frontend struct {
	next  gateway.BuildFunc
	mu    sync.Mutex // guards cause
	cause error
}

// build is a gateway.BuildFunc.
func (f *frontend) build(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
	res, err := f.next(ctx, c)
	if errors.Is(err, regpass.ErrUsage) || len(regpass.Hints(err)) > 0 {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.cause = err
	}
	return res, err
}

// err is the error with its hints, or nil.
func (f *frontend) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cause
}
