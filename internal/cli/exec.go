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

func newExec(a *app) *cobra.Command {
	var credential credentialFlags
	var sinks sinkFlags
	var build execSecrets
	noRedact := a.set.NoRedact
	cmd := &cobra.Command{
		Use:   "exec [REGISTRY…] -- COMMAND [ARGUMENT…]",
		Short: "Run a command with credentials in variables and private files",
		Long: `Run a command with credentials in variables and private files. The files are kept fresh while it runs and removed
after; a key that was exchanged for a credential is not passed on. Signals are forwarded, and the exit code is the
command's. In what the command prints, known secrets are replaced by ***: its output is a pipe, not a terminal, unless
--no-redact is given.

A command that builds a container image (docker build, docker buildx build or bake, podman build, buildah build) also
gets the credentials as secrets, which its Dockerfile mounts: see ` + "`regpass help secrets`" + `. Each step reads them
anew, so they stay fresh in a build that outlives them.`,
		Example: "  regpass exec https://api.pyx.dev/simple/acme/main -- uv sync\n  regpass exec prefix.dev --to rattler -- pixi install --locked\n  regpass exec pyx.dev -- docker buildx build -t app .",
		RunE: func(cmd *cobra.Command, args []string) error {
			dash := cmd.ArgsLenAtDash()
			if dash < 0 || dash == len(args) {
				return regpass.Hintf(regpass.Usagef("exec: there is no command"), "put it behind --: `regpass exec REGISTRY -- COMMAND`")
			}
			refs, err := a.registries(args[:dash])
			if err != nil {
				return err
			}
			return execute(cmd.Context(), a, refs, args[dash:], &credential, &sinks, &build, !noRedact)
		},
	}
	credential.add(a, cmd)
	sinks.add(a, cmd, clients.Defaults(true))
	build.flags(cmd)
	cmd.Flags().BoolVar(&noRedact, "no-redact", noRedact, "pass the command's output on as it is")
	return cmd
}

func execute(ctx context.Context, a *app, refs []regpass.Ref, command []string, credential *credentialFlags, sinks *sinkFlags, build *execSecrets, redact bool) (err error) {
	path, code, err := child.Find(command[0])
	if err != nil {
		a.say.line("error: ", fmt.Sprintf("exec: %v", err))
		return childExit{code}
	}
	if err := build.find(a.env, command); err != nil {
		return err
	}
	sinks.secrets = build.wanted()
	if err := sinks.check(); err != nil {
		return err
	}
	s, err := session.Start(a.env)
	if err != nil {
		return err
	}
	sub, end, err := s.Sub(ctx)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), credential.options.Timeout)
		defer cancel()
		for _, w := range end(ctx, broker.Revoke(a.env)) {
			a.say.Warn(w)
		}
	}()
	b, err := credential.broker(a, s)
	if err != nil {
		return err
	}
	all, err := b.All(ctx, refs)
	if err != nil {
		return err
	}
	plan, err := sinks.plan(a, sub, all)
	if err != nil {
		return err
	}
	if err := sub.Apply(ctx, plan.Changes, plan.files()...); err != nil {
		return err
	}
	for _, w := range plan.Warnings {
		a.say.line("warning: ", w)
	}
	if sinks.secrets {
		var vars []envsync.Var
		if command, vars, err = build.tell(a, command, plan.secrets); err != nil {
			return err
		}
		plan.Vars = append(plan.Vars, vars...)
	}
	refresh, stop := context.WithCancel(context.WithoutCancel(ctx)) // the command may live on after a signal
	var refreshing sync.WaitGroup
	refreshing.Go(func() {
		b.Renew(refresh, all, func(ctx context.Context, all []broker.Lease) error { return rewrite(ctx, a, sub, sinks, all) })
	})
	defer refreshing.Wait()
	defer stop()
	return a.run(path, command, childEnv(a.env.Environ, all, plan.Vars), redact)
}

// rewrite puts new credentials in a running command's private files, by rename: a reader sees the old credential or the
// new one. Variables can't change in a process that runs.
func rewrite(ctx context.Context, a *app, sub *session.Session, sinks *sinkFlags, all []broker.Lease) error {
	plan, err := sinks.plan(a, sub, all)
	if err != nil {
		return err
	}
	return sub.Apply(ctx, plan.Changes, plan.files()...)
}

// childEnv is what the command inherits: our surroundings, less the keys that were exchanged, and the plan's variables.
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
		return drop[name]
	})
	for _, v := range vars {
		env = append(env, v.Name+"="+v.Value())
	}
	return env
}

// run runs the command to its end.
func (a *app) run(path string, command, env []string, redact bool) error {
	c := child.Command{Path: path, Args: command, Env: env, Stdin: a.env.Stdin, Stdout: a.env.Stdout, Stderr: a.say.raw,
		Terminal: a.env.Terminal}
	if redact {
		c.Redact = a.say.known
		a.say.childRuns(true)
		defer a.say.childRuns(false)
	}
	code, err := child.Run(c)
	switch {
	case err != nil && code != 0:
		a.say.line("error: ", fmt.Sprintf("exec: %v", err))
		return childExit{code}
	case err != nil:
		return fmt.Errorf("exec: %w", err)
	case code != 0:
		return childExit{code}
	}
	return nil
}
