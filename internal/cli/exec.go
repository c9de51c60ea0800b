package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/envsync/clients"
	"github.com/regpass/regpass/internal/child"
	"github.com/regpass/regpass/session"
)

// execOptions are the flags of exec.
type execOptions struct {
	credential credentialFlags
	sinks      sinkFlags
	secrets    execSecrets
	noRedact   bool
}

func newExec(a *app) *cobra.Command {
	o := execOptions{noRedact: a.set.NoRedact}
	cmd := &cobra.Command{
		Use:   "exec [REGISTRY…] -- COMMAND [ARGUMENT…]",
		Short: "Run a command with credentials in variables and private files",
		Long: `Run a command with credentials in variables and private files. The files are kept fresh while the command runs
and removed afterwards. A key that was exchanged for a credential is not passed on, nor is REGPASS_API_KEY. Signals are
forwarded, and the exit code is the command's. Known secrets in the command's output are replaced by ***. At a terminal
the command has one of its own; otherwise its output is a pipe, unless --no-redact is given.

Besides pip, uv, pixi and curl it sets up the clients whose files the project has, such as package.json, Cargo.toml,
go.mod or Gemfile; --to names others. Clients that ask are answered while the command runs, see
` + "`regpass help helper`" + `.

A command that builds a container image (docker build, docker buildx build or bake, podman build, buildah build) also
gets the credentials as secrets, which its Dockerfile mounts: see ` + "`regpass help secrets`" + `. Each step reads them
anew, so they stay fresh even in a build that outlives them.`,
		Example: `  regpass exec https://api.pyx.dev/simple/acme/main -- uv sync
  regpass exec prefix.dev --to rattler -- pixi install --locked
  regpass exec pyx.dev -- docker buildx build -t app .`,
		RunE: func(cmd *cobra.Command, args []string) error {
			dash := cmd.ArgsLenAtDash()
			if dash < 0 || dash == len(args) {
				return regpass.Hintf(regpass.Usagef("exec: there is no command to run"),
					"put it behind --: `regpass exec REGISTRY -- COMMAND`")
			}
			refs, err := a.registriesIfAny(args[:dash])
			if err != nil {
				return err
			}
			return execute(cmd.Context(), a, &o, refs, args[dash:])
		},
	}
	o.credential.add(a, cmd)
	o.credential.addUnavailable(cmd)
	o.sinks.add(a, cmd, clients.Defaults(true))
	o.secrets.add(cmd)
	cmd.Flags().BoolVar(&o.noRedact, "no-redact", o.noRedact, "pass the command's output on unchanged")
	return cmd
}

// execute runs the command with credentials for refs. What cannot work is found before a credential is made.
func execute(ctx context.Context, a *app, o *execOptions, refs []regpass.Ref, command []string) error {
	path, code, err := child.Find(command[0])
	if err != nil {
		a.say.line(errorKind, fmt.Sprintf("exec: %v", err))
		return childExit{code}
	}
	if err := o.secrets.find(ctx, a.env, command); err != nil {
		return err
	}
	o.sinks.command = command
	if err := o.check(a, refs, command); err != nil {
		return err
	}
	o.credential.options.Least.Half = o.secrets.wanted()
	s, b, err := o.credential.open(ctx, a)
	if err != nil {
		return err
	}
	sub, end, err := o.begin(ctx, s)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.credential.options.Timeout)
		defer cancel()
		for _, w := range end(ctx, broker.Revoke(a.env)) {
			a.say.Warn(w)
		}
	}()
	all, missing, err := o.credential.obtain(ctx, a, b, refs)
	if err != nil {
		return err
	}
	if missing != nil { // the command shows whether it needs one
		a.say.Warn(missing)
	}
	written, err := o.write(ctx, a, sub, all)
	if err != nil {
		return err
	}
	a.sayKept(s)
	a.say.plan(written.Plan)
	vars := written.Vars
	if o.secrets.wanted() {
		var flags []envsync.Var
		if command, flags, err = o.secrets.addFlags(a, command, written.secrets); err != nil {
			return err
		}
		vars = append(vars, flags...)
	}
	refresh, stop := context.WithCancel(context.WithoutCancel(ctx)) // the command may live on after a signal
	var refreshing sync.WaitGroup
	refreshing.Go(func() {
		b.Renew(refresh, all, func(ctx context.Context, all []broker.Lease) error {
			_, err := o.write(ctx, a, sub, all)
			return err
		})
	})
	defer refreshing.Wait()
	defer stop()
	return a.run(child.Command{Path: path, Args: command, Env: childEnv(a.env.Environ, all, vars)}, o.noRedact)
}

// begin makes the session of the command in the job's or the login's. It waits for another process at most for the time
// limit.
func (o *execOptions) begin(ctx context.Context, s *session.Session) (
	*session.Session, func(context.Context, session.Revoke) []error, error) {
	ctx, cancel := context.WithTimeout(ctx, o.credential.options.Timeout)
	defer cancel()
	return s.Sub(ctx)
}

// check finds sinks and names of indexes that cannot be used, so that no credential is made for them.
func (o *execOptions) check(a *app, refs []regpass.Ref, command []string) error {
	if err := o.sinks.check(a); err != nil {
		return err
	}
	if err := o.sinks.checkNames(a, refs, command...); err != nil {
		return err
	}
	if o.secrets.wanted() {
		return a.checkIndexNames(refs, command...)
	}
	return nil
}

// write writes the private files for the leases. For a running command it replaces them by rename, so a reader sees the
// old credential or the new one. The variables of a running process cannot change.
func (o *execOptions) write(ctx context.Context, a *app, sub *session.Session, all []broker.Lease) (handover, error) {
	plan, err := o.sinks.plan(a, sub, all)
	if err != nil {
		return handover{}, err
	}
	h := handover{Plan: plan}
	if o.secrets.wanted() {
		if h, err = withSecrets(plan, sub.Files(), all); err != nil {
			return handover{}, err
		}
	}
	if err := sub.Apply(ctx, h.Changes, h.files()...); err != nil {
		return handover{}, err
	}
	return h, sub.Link(ctx, a.env.Program, h.Plan)
}

// childEnv returns the variables that the command inherits: ours without the keys that were exchanged, without those
// that name no registry, which no client reads, and vars.
func childEnv(environ []string, all []broker.Lease, vars []envsync.Var) []string {
	drop := map[string]bool{}
	for _, l := range all {
		if l.Method != regpass.APIKey || !l.Target.Row.Exchanges {
			continue
		}
		drop[l.From] = true
		for _, source := range l.Target.Row.Proofs {
			if source.Method == regpass.APIKey {
				for _, name := range source.Vars {
					drop[name] = true
				}
			}
		}
	}
	for _, v := range vars {
		drop[v.Name] = true
	}
	env := slices.DeleteFunc(slices.Clone(environ), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return drop[name] || strings.HasPrefix(name, broker.KeyVar)
	})
	for _, v := range vars {
		env = append(env, v.Name+"="+v.Value())
	}
	return env
}

// run runs the command to its end.
func (a *app) run(c child.Command, noRedact bool) error {
	c.Stdin, c.Stdout, c.Stderr, c.Terminal = a.env.Stdin, a.env.Stdout, a.say.raw, a.env.Terminal
	a.say.endCommands()
	if !noRedact {
		c.Redact = a.say.known
	}
	code, err := child.Run(c)
	switch {
	case err != nil && code != 0:
		a.say.line(errorKind, fmt.Sprintf("exec: %v", err))
		return childExit{code}
	case err != nil:
		return fmt.Errorf("exec: %w", err)
	case code != 0:
		return childExit{code}
	}
	return nil
}
