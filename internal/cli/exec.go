package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/envsync/clients"
	"github.com/regpass/regpass/internal/process"
	"github.com/regpass/regpass/registry"
)

// Exit codes for a command that could not be run, as shells have them
// (https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_08_02).
const (
	exitNotRunnable = 126
	exitNotFound    = 127
	exitSignal      = 128 // plus the number of the signal that ended the command
)

// lingers is how long a command's output is still read after it ended, for children of its own that hold it open.
const lingers = 5 * time.Second

func newExec(a *app) *cobra.Command {
	var p proofFlags
	var sinks sinkFlags
	var build execSecrets
	noRedact := a.set.NoRedact
	cmd := &cobra.Command{
		Use:   "exec [REGISTRY…] -- COMMAND [ARGUMENT…]",
		Short: "Run a command with credentials in variables and private files",
		Long: `Run a command with credentials in variables and private files. The files are kept fresh while it runs and removed
after; a key that was traded for a credential is not passed on. Signals are forwarded, and the exit code is the
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
			return execute(cmd.Context(), a, refs, args[dash:], &p, &sinks, &build, !noRedact)
		},
	}
	p.add(a, cmd)
	sinks.add(a, cmd, clients.Defaults(true))
	build.flags(cmd)
	cmd.Flags().BoolVar(&noRedact, "no-redact", noRedact, "pass the command's output on as it is")
	return cmd
}

func execute(ctx context.Context, a *app, refs []regpass.Ref, command []string, p *proofFlags, sinks *sinkFlags, build *execSecrets, redact bool) (err error) {
	path, err := exec.LookPath(command[0])
	if err != nil {
		code := exitNotFound
		if !errors.Is(err, exec.ErrNotFound) && !errors.Is(err, os.ErrNotExist) {
			code = exitNotRunnable
		}
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
	s, err := a.newSession()
	if err != nil {
		return err
	}
	sub, end, err := s.Sub(ctx)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.timeout)
		defer cancel()
		for _, w := range end(ctx, a.revoke) {
			a.say.warn(w)
		}
	}()
	all, err := a.credentials(ctx, s, refs, p)
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
	refreshing.Go(func() { a.keepFresh(refresh, s, sub, all, p, sinks) })
	defer refreshing.Wait()
	defer stop()
	return a.run(path, command, childEnv(a.env.Environ, all, plan.Vars), redact)
}

// childEnv is what the command inherits: our surroundings, less the keys that were traded, and the plan's variables.
func childEnv(environ []string, all []held, vars []envsync.Var) []string {
	drop := map[string]bool{}
	for _, h := range all {
		if h.login.Method == string(registry.APIKey) && h.row.Trades {
			drop[h.login.From] = true
			for _, name := range h.row.KeyVars {
				drop[name] = true
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
func (a *app) run(path string, command, env []string, redact bool) (err error) {
	cmd := exec.Command(path, command[1:]...)
	cmd.Args[0] = command[0]
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, a.env.Stdin, a.env.Stdout, a.say.raw
	cmd.WaitDelay = lingers
	if redact {
		out := a.say.known.Writer(a.env.Stdout)
		errs := a.say.known.Writer(a.say.raw)
		if sameFile(a.env.Stdout, a.say.raw) {
			errs = out // one pipe keeps the order in which the command wrote
		}
		cmd.Stdout, cmd.Stderr = out, errs
		defer func() {
			if flushed := errors.Join(out.Flush(), errs.Flush()); err == nil && flushed != nil {
				err = fmt.Errorf("exec: pass on the output: %w", flushed)
			}
		}()
		a.say.childRuns(true)
		defer a.say.childRuns(false)
	}
	// From here on a signal is the command's: we end when it does.
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, process.Unignored(forwarded...)...)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		a.say.line("error: ", fmt.Sprintf("exec: %v", err))
		return childExit{exitNotRunnable}
	}
	ended := make(chan struct{})
	var forwarding sync.WaitGroup
	forwarding.Go(func() {
		for {
			select {
			case sig := <-signals:
				// A terminal sends its own signals to the command as well.
				if !a.env.Terminal || !fromTerminal(sig) {
					_ = cmd.Process.Signal(sig)
				}
			case <-ended:
				return
			}
		}
	})
	err = cmd.Wait()
	close(ended)
	forwarding.Wait()
	if cmd.ProcessState == nil {
		return fmt.Errorf("exec: %w", err)
	}
	if code := exitCode(cmd.ProcessState); code != 0 {
		return childExit{code}
	}
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return fmt.Errorf("exec: pass on the output: %w", err)
	}
	return nil
}

// sameFile reports whether two streams end in the same place, as with 2>&1.
func sameFile(a, b io.Writer) bool {
	f, ok1 := a.(*os.File)
	g, ok2 := b.(*os.File)
	if !ok1 || !ok2 {
		return false
	}
	s, err1 := f.Stat()
	t, err2 := g.Stat()
	return err1 == nil && err2 == nil && os.SameFile(s, t)
}
