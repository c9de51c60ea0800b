package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit"
	"github.com/regpass/regpass/buildkit/builder"
	"github.com/regpass/regpass/buildkit/inject"
	"github.com/regpass/regpass/buildkit/leak"
	"github.com/regpass/regpass/buildkit/secret"
	"github.com/regpass/regpass/session"
)

func newBuild(a *app) *cobra.Command {
	var f buildFlags
	cmd := &cobra.Command{
		Use:   "build [FLAGS] [FOLDER or URL or -]",
		Short: "Build an image; secrets are minted when a step asks for them",
		Long: `Build an image with BuildKit, with the flags of docker buildx build. A step that mounts one of the secrets that
regpass lends to a build gets a credential minted at that moment, so that a long build does not outlive it. What steps
print is searched for the credentials: one that shows up is revoked, and nothing is exported or pushed.`,
		Example: `  regpass build --registry https://api.pyx.dev/simple/acme/main -t app .
  regpass build --inject -t registry.example/acme/app --push .
  regpass build --addr tcp://buildkit.example:1234 --output type=oci,dest=app.tar .`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return regpass.Hintf(regpass.Usagef("build takes one context, not %d", len(args)), "registries are named with --registry")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			f.options.Context = "."
			if len(args) > 0 {
				f.options.Context = args[0]
			}
			return build(cmd.Context(), a, &f)
		},
	}
	f.add(a, cmd)
	return cmd
}

// build does one build. What it mints stays in the session for later steps of the job, but for what leaked.
func build(ctx context.Context, a *app, f *buildFlags) (err error) {
	if err := f.check(a); err != nil {
		return err
	}
	finding, stopFinding := findBuildKit(ctx, a.env, f.ask) // it answers while the rest is made ready
	defer func() { err = errors.Join(err, stopFinding()) }()
	refs, err := a.registries(f.registries)
	var none unnamed
	if errors.As(err, &none) {
		a.say.notef("build: %v, so no step gets a credential", none)
	} else if err != nil {
		return err
	}
	user, err := f.userSecrets()
	if err != nil {
		return err
	}
	s, err := session.Start(a.env)
	if err != nil {
		return err
	}
	// Standard error is the display's while it moves the cursor: what else there is to say is said after.
	aside := *a
	var later bytes.Buffer
	if f.onTerminal(a) {
		aside.say = newPrinter(&later, person)
		aside.say.known = a.say.known
	}
	defer func() { _, _ = a.say.raw.Write(later.Bytes()) }()
	b, err := f.credential.broker(&aside, s)
	if err != nil {
		return err
	}
	live, earlier, err := b.Live()
	if err != nil {
		return err
	}
	sources, err := buildSources(live, refs)
	if err != nil {
		return err
	}
	store, err := secret.NewStore(a.env, sources, user, secret.Options{
		MinLifetime: f.credential.options.MinLifetime, Isolate: f.isolate, Failed: live.Fail})
	if err != nil {
		return err
	}
	auth, err := store.RegistryAuth()
	if err != nil {
		return err
	}
	endpoint, err := finding()
	if err != nil {
		return err
	}
	a.say.notef("build: BuildKit at %s, by %s", endpoint.Address, endpoint.FoundBy)
	plan, err := f.options.Plan(ctx, a.env, endpoint)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plan.Close()) }()
	for _, w := range append(store.Warnings(), plan.Warnings...) {
		a.say.line("warning: ", w)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	watch := leak.NewWatch(a.say.known, live.Identify, func(leak.Leak) { stop(errLeak) })
	if err := searchBefore(ctx, a, plan, watch); err != nil {
		return err
	}
	run := buildkit.Build{Plan: plan, Secrets: store, Auth: auth, Watch: watch, Handed: store.Minted, Earlier: earlier,
		SearchImage: searchImage(a.say.known), Mode: f.progress, Out: a.say.raw,
		Leaked: func(leaks []leak.Leak) { live.Revoke(ctx, fingerprints(leaks)) }}
	if f.onTerminal(a) { // the other forms show warnings where they come up
		run.Warn = func(text string) { aside.say.line("warning: ", "builder: "+text) }
	} else {
		said := &lines{w: a.say} // what steps and servers say is no command to a runner
		defer func() { _ = said.Flush() }()
		run.Out = said
	}
	if f.inject != "" {
		injector := inject.New(store.All(), f.inject == injectAll)
		run.Frontend = injector.Frontend
		defer func() { reportInjected(a, injector.Steps()) }()
	}
	if err := f.removeOld(a); err != nil {
		return err
	}
	result, err := run.Run(ctx, a.env, endpoint)
	if err = live.Reason(err); err == nil {
		return f.write(a, result)
	}
	if errors.Is(err, regpass.ErrFound) {
		err = regpass.Hintf(err, "nothing was exported or pushed. Mount the secret where the step needs it, and have no command print it or write it to a file of the image")
	}
	return err
}

// findBuildKit looks for a BuildKit on the side. wait returns what was found, and stop ends the search and closes that.
func findBuildKit(ctx context.Context, env *regpass.Env, ask builder.Ask) (wait func() (builder.Endpoint, error), stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	var endpoint builder.Endpoint
	var err error
	var looking sync.WaitGroup
	looking.Go(func() { endpoint, err = builder.Find(ctx, env, ask) })
	wait = func() (builder.Endpoint, error) {
		looking.Wait()
		return endpoint, err
	}
	return wait, func() error {
		cancel()
		if _, err := wait(); err != nil {
			return nil // wait has said so, or something else went wrong before
		}
		return endpoint.Close()
	}
}

// errLeak stops a build that has shown a token; the Watch tells which.
var errLeak = errors.New("a token is in the build's output")

// reportInjected says which steps were given what.
func reportInjected(a *app, steps []inject.Step) {
	if len(steps) == 0 {
		a.say.notef("inject: no step uses a package client that is known, so none was given a secret")
	}
	for _, s := range steps {
		got := "nothing"
		if len(s.IDs) > 0 {
			got = strings.Join(s.IDs, ", ")
		}
		for _, n := range s.Notes {
			got += "; " + n
		}
		a.say.notef("inject: step %s (%s): %s", regpass.Quote(s.Step), strings.Join(s.Clients, ", "), got)
	}
}

// onTerminal reports whether progress is shown in the form that moves the cursor.
func (f *buildFlags) onTerminal(a *app) bool {
	file, ok := a.say.raw.(*os.File)
	return ok && (f.progress == "tty" || f.progress == "auto" && term.IsTerminal(int(file.Fd())))
}
