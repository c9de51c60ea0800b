package cli

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/buildkit"
	"github.com/regpass/regpass/buildkit/builder"
	"github.com/regpass/regpass/buildkit/inject"
	"github.com/regpass/regpass/buildkit/leak"
	"github.com/regpass/regpass/buildkit/secret"
	"github.com/regpass/regpass/registry"
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
			if contexts, _ := f.split(args); len(contexts) > 1 {
				return regpass.Hintf(regpass.Usagef("build takes one context, not %d", len(contexts)),
					"registries are named with --registry 'URL OPTION=VALUE'")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			args, options := f.split(args)
			f.registries = append(f.registries, options...)
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

// split tells the options of the one registry, as in `--registry URL type=pyx .`, from the contexts.
func (f *buildFlags) split(args []string) (contexts, options []string) {
	if len(f.registries) != 1 {
		return args, nil
	}
	for _, arg := range args {
		if regpass.IsRefOption(arg) {
			options = append(options, arg)
		} else {
			contexts = append(contexts, arg)
		}
	}
	return contexts, options
}

// build does one build. Its credentials stay in the session for later steps of the job, except those that leaked.
func build(ctx context.Context, a *app, f *buildFlags) (err error) {
	if err := f.check(a); err != nil {
		return err
	}
	a.env.Stdin = untilDone{ctx, a.env.Stdin}
	finding := findBuildKit(ctx, a.env, f.ask) // while the secrets are prepared
	defer func() { err = errors.Join(err, finding.close()) }()
	live, store, err := buildSecrets(ctx, a, f)
	if err != nil {
		return err
	}
	endpoint, err := finding.wait()
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
		a.say.line(warningKind, w)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	watch := leak.NewWatch(a.say.known, live, stop)
	if err := searchBefore(ctx, a, plan, watch); err != nil {
		return err
	}
	result, err := runBuild(ctx, a, f, endpoint, buildkit.Build{Plan: plan, Secrets: store, Watch: watch, Revoker: live,
		Earlier: live.Earlier(), SearchImage: searchImage(a.say.known), Mode: f.progress})
	if err = live.Reason(err); err == nil {
		return f.write(a, result)
	}
	if errors.Is(err, regpass.ErrFound) {
		err = regpass.Hintf(err,
			"nothing was exported or pushed. Mount the secret, and let no command print it or write it to the image")
	}
	return err
}

// buildSecrets starts the session and lists the secrets that steps may ask for. Nothing is minted yet.
func buildSecrets(ctx context.Context, a *app, f *buildFlags) (*broker.Live, *secret.Store, error) {
	refs, err := a.registriesIfAny(f.registries)
	var none unnamed
	if errors.As(err, &none) {
		a.say.notef("build: %v, so no step gets a credential", none)
	} else if err != nil {
		return nil, nil, err
	}
	if err := a.checkIndexNames(refs, append(slices.Clone(f.options.BuildContexts), f.options.Context)...); err != nil {
		return nil, nil, err
	}
	user, err := f.userSecrets()
	if err != nil {
		return nil, nil, err
	}
	f.credential.options.Least.Half = true
	s, err := a.startSession(ctx, f.credential.options.Timeout)
	if err != nil {
		return nil, nil, err
	}
	b, err := f.credential.broker(ctx, a, s)
	if err != nil {
		return nil, nil, err
	}
	live, err := b.Live()
	if err != nil {
		return nil, nil, err
	}
	sources, err := buildSources(live, refs)
	if err != nil {
		return nil, nil, err
	}
	store, err := secret.NewStore(a.env, live, sources, user, f.isolate)
	if err != nil {
		return nil, nil, err
	}
	store.Images = a.imageRegistry(live)
	return live, store, nil
}

// imageRegistry finds the registries of images that a build needs without anybody having named them. A Dockerfile is a
// file of the checkout, so only known hosts get a credential.
func (a *app) imageRegistry(live *broker.Live) func(host string) (regpass.Ref, bool) {
	return func(host string) (regpass.Ref, bool) {
		ref, err := regpass.ParseRef("https://" + host)
		if err != nil {
			return regpass.Ref{}, false
		}
		ref.Origin = "the build"
		row, err := registry.Find(a.env, ref)
		if err != nil || !row.Images || !row.Trusts(a.env, ref) {
			return regpass.Ref{}, false
		}
		_, method, err := live.Open(ref)
		return ref, err == nil && method != ""
	}
}

// runBuild has the endpoint do the build, and shows its progress on standard error.
func runBuild(
	ctx context.Context, a *app, f *buildFlags, e builder.Endpoint, b buildkit.Build,
) (buildkit.Result, error) {
	if err := f.prepareFiles(a); err != nil {
		return nil, err
	}
	if f.inject != "" {
		injector := inject.New(b.Secrets.All(), f.inject == injectAll)
		b.Frontend = injector.Frontend
		defer func() { reportInjected(a, injector.Steps()) }()
	}
	if f.onTerminal(a) {
		b.Out = a.say.raw
		b.Warn = func(text string) { a.say.line(warningKind, "builder: "+text) } // the other forms show warnings in place
		a.say.holdBack()
		defer a.say.release()
	} else {
		out := &lines{w: a.say} // no text of a step or a server is a command to a runner
		b.Out = out
		defer func() { _ = out.Flush() }()
	}
	return b.Run(ctx, a.env, e)
}

// finding is a search for a BuildKit that goes on in the background.
type finding struct {
	cancel   context.CancelFunc
	search   sync.WaitGroup
	endpoint builder.Endpoint // set when search is done, like err
	err      error
}

// findBuildKit starts to look for a BuildKit.
func findBuildKit(ctx context.Context, env *regpass.Env, ask builder.Ask) *finding {
	ctx, cancel := context.WithCancel(ctx)
	f := &finding{cancel: cancel}
	f.search.Go(func() { f.endpoint, f.err = builder.Find(ctx, env, ask) })
	return f
}

// wait returns the BuildKit that was found.
func (f *finding) wait() (builder.Endpoint, error) {
	f.search.Wait()
	return f.endpoint, f.err
}

// close ends the search, and the connection to the BuildKit that was found. wait returns the search's error.
func (f *finding) close() error {
	f.cancel()
	endpoint, err := f.wait()
	if err != nil {
		return nil
	}
	return endpoint.Close()
}

// reportInjected prints the secrets that each step was given.
func reportInjected(a *app, steps []inject.Step) {
	if len(steps) == 0 {
		a.say.notef("inject: no step uses a known package client, so none was given a secret")
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
