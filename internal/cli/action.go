package cli

import (
	"cmp"
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/action"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/envsync/clients"
	"github.com/regpass/regpass/session"
)

func newAction(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "action COMMAND",
		Short: "Run the main or post step of the GitHub Action",
		Long: `Run a step of the GitHub Action, as its launchers do: main writes credentials for the steps that follow, and
post undoes that.`,
		Hidden: true,
		RunE: func(*cobra.Command, []string) error {
			return regpass.Hintf(regpass.Usagef("action: the command is main or post"), "the launchers in action/ run both")
		},
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "main", Short: "Write credentials for the steps that follow", Args: noArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				return actionMain(cmd.Context(), a.withoutExports(), action.New(a.env))
			},
		},
		&cobra.Command{
			Use: "post", Short: "Undo what main did", Args: noArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				actionPost(cmd.Context(), a, action.New(a.env))
				return nil
			},
		})
	return cmd
}

// mainStep is the main step of one use of the action.
type mainStep struct {
	runner  *action.Runner
	inputs  action.Inputs
	sinks   *sinkFlags
	session *session.Session
}

// actionMain gets credentials and hands them to the steps that follow, by files, by outputs and, if export-env is true,
// by variables. The state that post needs is saved before there is anything to undo.
func actionMain(ctx context.Context, a *app, r *action.Runner) error {
	in, err := r.Inputs()
	if err != nil {
		return err
	}
	a.env.Mask(in.APIKey)
	if err := r.SetOutput("available", "false"); err != nil { // until it is true; this also shows that outputs can be set
		return err
	}
	options, sinks := a.flagsFromInputs(in)
	if err := sinks.checkInput(a, in); err != nil {
		return err
	}
	refs, err := a.inputRegistries(in)
	var none unnamed
	if errors.As(err, &none) && none.project && !none.untrusted {
		a.say.notef("%v; the job goes on without a credential", err)
		return nil
	}
	if err != nil {
		return err
	}
	if err := a.checkIndexNames(refs); err != nil { // the output secrets has them too
		return err
	}
	dir := a.newActionFolder()
	if in.Cleanup {
		if err := r.SaveState(stateSession, dir); err != nil {
			return err
		}
	}
	s, err := session.Open(a.env, dir)
	if err != nil {
		return err
	}
	all, missing, err := a.obtain(ctx, broker.New(a.env, s, options, a.say), refs, "")
	if err = errors.Join(missing, err); err != nil {
		return a.skipUnavailable(ctx, s, in, err)
	}
	return a.publish(ctx, mainStep{runner: r, inputs: in, sinks: sinks, session: s}, all)
}

// stateSession is the state that tells post the folder of main's session. It is not set if there is nothing to undo.
const stateSession = "session"

// flagsFromInputs turns the inputs into the flags that `login` would have. An input overrides its setting's variable.
func (a *app) flagsFromInputs(in action.Inputs) (broker.Options, *sinkFlags) {
	o := broker.Options{
		Provider: cmp.Or(in.Provider, a.set.Provider),
		Timeout:  cmp.Or(in.Timeout, a.set.Timeout),
		Least:    regpass.Least{Time: cmp.Or(in.MinLifetime, a.set.MinLifetime)},
	}
	if !in.APIKey.Empty() {
		o.Given = broker.Given{From: "the input api-key", Secret: in.APIKey}
	}
	sinks := &sinkFlags{to: in.To, defaults: clients.Defaults(in.ExportEnv)}
	if len(sinks.to) == 0 {
		sinks.to = a.set.To
	}
	return o, sinks
}

// checkInput finds sinks that cannot be written, so that no credential is made for them.
func (f *sinkFlags) checkInput(a *app, in action.Inputs) error {
	sinks, err := f.sinks(a)
	if err != nil {
		return err
	}
	for _, s := range sinks {
		if s.File == "" && !in.ExportEnv {
			err := regpass.Usagef("action: the sink %s sets variables, and the input export-env is not true", s.Name)
			return regpass.Hintf(err, "add export-env: true, or use the output token")
		}
	}
	return nil
}

// inputRegistries returns the registries that the workflow names, which is trusted. If it names none, they come from
// the files of the checkout.
func (a *app) inputRegistries(in action.Inputs) ([]regpass.Ref, error) {
	var refs []regpass.Ref
	var err error
	switch {
	case in.Registries != "" && in.Config != "":
		return nil, regpass.Usagef("action: the inputs registries and config both name registries; keep one")
	case in.Registries != "":
		refs, err = regpass.ParseRefs(in.Registries, "the input registries")
	case in.Config != "":
		refs, err = a.fromConfig(in.Config)
	default:
		refs, err = a.registries(nil)
	}
	switch {
	case err != nil:
		return nil, err
	case len(refs) == 0: // comments alone
		return nil, regpass.Usagef("action: the input registries names none")
	case !in.APIKey.Empty() && !refs[0].Trusted:
		// As in broker.Order: the workflow must say who gets a key that names no registry, even among known hosts.
		return nil, regpass.Hintf(regpass.Usagef("action: the input api-key is for a registry that the input registries "+
			"names, and %s is named by %s", regpass.Quote(refs[0].String()), refs[0].NamedBy()),
			"if the key is for this registry, name it in the input registries")
	case in.Audience == "":
		return refs, nil
	}
	// Two registries that take the same audience could use each other's identity tokens.
	if len(refs) != 1 || !refs[0].Trusted {
		return nil, regpass.Hintf(
			regpass.Usagef("action: the input audience applies to one registry, which the input registries must name"),
			"write audience=… behind the registry's URL instead")
	}
	refs[0].Options["audience"] = in.Audience
	return refs, nil
}

// skipUnavailable ends a step whose job can have no credential, in the way that if-unavailable says. It returns every
// other error unchanged.
func (a *app) skipUnavailable(ctx context.Context, s *session.Session, in action.Inputs, err error) error {
	if !isUnavailable(err) {
		return err
	}
	switch in.Unavailable {
	case action.Warn:
		a.say.Warn(err)
	case action.Skip:
		a.say.notef("%v", err)
	default:
		return regpass.Hintf(err, "to let the job go on without a credential, set the input if-unavailable to warn or skip")
	}
	a.undo(ctx, s, a.undoLimit(in), session.Ending{Force: true}) // other registries may have given a credential
	return nil
}
