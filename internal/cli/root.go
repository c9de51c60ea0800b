package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/helper"
	"github.com/regpass/regpass/session"
)

// app is one run of the program.
type app struct {
	env     *regpass.Env
	set     settings
	say     *printer
	verb    *cobra.Command // the command that runs
	release string         // version of the program, such as v1.2.3
	started []*session.Session
}

const about = `regpass gives every build a pass: it proves who a CI job is (OIDC) or takes an API key, exchanges that
for a short-lived registry credential, and puts the credential where uv, pip, pixi and the others look for it.
Afterwards it leaves nothing behind.

A REGISTRY is the URL of an index, a channel or a publish endpoint, or a bare host. The host decides which protocol is
spoken. Options follow the URL as key=value: 'https://pkgs.example/simple/acme/main type=pyx name=acme'.`

const examples = `  regpass exec pyx.dev -- uv sync                     run a command with credentials
  regpass token https://api.pyx.dev/simple/acme/main  print one token
  vars=$(regpass login pyx.dev) && eval "$vars"       write private files, set NETRC and the like
  regpass logout                                      undo, revoke, remove
  regpass demo                                        see it all on this machine, no account needed`

// Main runs the program with its name and arguments and returns the exit code. Under the name of a helper it is that
// helper. release is the version that the linker set, or empty.
func Main(ctx context.Context, env *regpass.Env, release string, args []string) int {
	name, args := args[0], args[1:]
	if p, ok := helper.Started(name); ok {
		args = append([]string{"helper", p.Name}, args...)
	}
	say := newPrinter(env.Stderr, readerOf(env, args), env.Getenv)
	env.Stderr, env.Mask = say, say.mask
	set, err := loadSettings(env)
	if err != nil && !needsNoSettings(args) {
		return say.finish(ctx, err)
	}
	a := &app{env: env, set: set, say: say, release: released(release)}
	root := newRoot(a)
	root.SetArgs(args)
	err = root.ExecuteContext(ctx)
	a.leaveSessions()
	return say.finish(ctx, err)
}

// startSession starts the session of this job or login, or joins it. It waits for another process at most for limit.
func (a *app) startSession(ctx context.Context, limit time.Duration) (*session.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	s, err := session.Start(ctx, a.env)
	if err == nil {
		a.started = append(a.started, s)
	}
	return s, err
}

// leaveSessions removes a session that began with this run and in which nothing is kept.
func (a *app) leaveSessions() {
	for _, s := range a.started {
		if err := s.Leave(); err != nil {
			a.say.Warn(err)
		}
	}
}

// readerOf returns who reads standard error while the arguments' command runs.
func readerOf(env *regpass.Env, args []string) reader {
	switch {
	case len(args) > 0 && args[0] == "action":
		return actionStep
	case env.Getenv("GITHUB_ACTIONS") == "true":
		return jobLog
	}
	return person
}

// needsNoSettings reports whether the command runs even if a setting is wrong: help, and the clean-up of the action.
func needsNoSettings(args []string) bool {
	switch {
	case len(args) == 0:
		return true
	case args[0] == "action":
		return len(args) > 1 && args[1] == "post"
	}
	return slices.Contains([]string{"help", "--help", "-h", "version", "--version", "completion"}, args[0])
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           "regpass COMMAND [REGISTRY…] [FLAGS]",
		Short:         "Short-lived registry credentials for builds",
		Long:          about,
		Example:       examples,
		Version:       a.version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          unknownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		a.verb = cmd
		return a.speak(cmd)
	}
	root.SetIn(a.env.Stdin)
	root.SetOut(a.env.Stdout)
	root.SetErr(a.env.Stderr)
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetVersionTemplate("{{.Version}}\n")
	root.Flags().Bool("version", false, "print the version")
	root.PersistentFlags().BoolP("quiet", "q", false, "print errors only, no notes and warnings")
	root.PersistentFlags().BoolP("verbose", "v", false, "also print each request and identity, never a secret")
	root.SetUsageTemplate(usageTemplate)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return badFlag(cmd, err)
	})
	for _, group := range []struct {
		id, title string
		commands  []*cobra.Command
	}{
		{credentialGroup, "Credentials:", []*cobra.Command{
			newToken(a), newExec(a), newBuild(a), newLogin(a), newLogout(a), newStatus(a), newSecrets(a), newInit(a),
			newTrust(a), newHelper(a)}},
		{serviceGroup, "Service:", []*cobra.Command{newServe(a), newDemo(a)}},
		{otherGroup, "Other commands:", []*cobra.Command{
			newAction(a), newCompletion(a), newVersion(a), newMan(a), newHelp(root)}},
	} {
		root.AddGroup(&cobra.Group{ID: group.id, Title: group.title})
		for _, cmd := range group.commands {
			cmd.GroupID = group.id
			root.AddCommand(cmd)
		}
	}
	root.AddCommand(topics()...)
	setUsage(root)
	return root
}

// speak has the program print as much as the flags ask for.
func (a *app) speak(cmd *cobra.Command) error {
	quiet, _ := cmd.Flags().GetBool("quiet")
	verbose, _ := cmd.Flags().GetBool("verbose")
	switch {
	case quiet && verbose:
		return regpass.Usagef("%s: --quiet and --verbose contradict each other", cmd.Name())
	case quiet:
		a.say.quiet = true
	case verbose:
		a.env.Trace = a.say.Note
	}
	return nil
}

// newHelp replaces cobra's own help command, to which an unknown word is no error.
func newHelp(root *cobra.Command) *cobra.Command {
	help := &cobra.Command{
		Use:     "help [COMMAND or TOPIC]",
		Short:   "Print the help for a command or a topic",
		Example: "  regpass help token\n  regpass help environment",
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return helpNames(root), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if cmd, rest, err := root.Find(args); err == nil && len(rest) == 0 { // also a command of a command
				return cmd.Help()
			}
			var all []*cobra.Command
			for _, name := range args {
				cmd, _, err := root.Find([]string{name})
				if err != nil || cmd == root {
					return unknownCommand(root, []string{name})
				}
				all = append(all, cmd)
			}
			for i, cmd := range all {
				if i > 0 {
					fmt.Fprintf(root.OutOrStdout(), "\n%s\n\n", strings.Repeat("─", 80))
				}
				if err := cmd.Help(); err != nil {
					return err
				}
			}
			return nil
		},
	}
	root.SetHelpCommand(help)
	return help
}

// helpNames lists the commands and the topics that help knows.
func helpNames(root *cobra.Command) (all []string) {
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() || c.IsAdditionalHelpTopicCommand() && !c.Hidden {
			all = append(all, c.Name())
		}
	}
	return all
}

func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := cmp.Or(regpass.DidYouMean(args[0], "", helpNames(cmd.Root())), "see `regpass help`")
	return regpass.Hintf(regpass.Usagef("unknown command %s", regpass.Quote(args[0])), "%s", hint)
}

// badFlag says which flag is wrong, and why, without its value, which may be a secret in the wrong place.
func badFlag(cmd *cobra.Command, err error) error {
	where, hint := "", "see `"+helpOf(cmd)+"`"
	if cmd.HasParent() {
		where = cmd.Name() + ": "
	}
	why, _, _ := strings.Cut(err.Error(), "=")
	var unknown *pflag.NotExistError
	var valueless *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "":
		why = "unknown flag: -" + unknown.GetSpecifiedName()
	case errors.As(err, &unknown):
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		if name := unknown.GetSpecifiedName(); len(name) > 2 {
			hint = cmp.Or(regpass.DidYouMean(name, "--", known), hint)
		}
	case errors.As(err, &valueless):
		why = "--" + valueless.GetFlag().Name + " needs a value"
	case errors.As(err, &invalid):
		why = "the value of --" + invalid.GetFlag().Name + " does not have the form it needs"
		if invalid.GetFlag().Value.Type() == "duration" {
			hint = "write a number and its unit, such as 90s or 5m"
		}
	}
	return regpass.Hintf(regpass.Usagef("%s%s", where, why), "%s", hint)
}
