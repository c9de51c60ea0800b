package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
)

// app is one run of the program.
type app struct {
	env     *regpass.Env
	set     settings
	say     *printer
	release string // version of the program, such as v1.2.3
}

const about = `regpass gives every build a pass: it proves who a CI job is (OIDC) or takes an API key, trades that for a
short-lived registry credential, and puts it where uv, pip, pixi and the others look for it. Afterwards it leaves
nothing behind.

A REGISTRY is the URL of an index, a channel or a publish endpoint, or a bare host; the host says how to speak to it.
What a URL can't say follows as key=value: 'https://pkgs.example/simple/acme/main type=pyx name=acme'.`

const examples = `  regpass exec pyx.dev -- uv sync                     run a command with credentials
  regpass token https://api.pyx.dev/simple/acme/main  print one token
  vars=$(regpass login pyx.dev) && eval "$vars"       write private files, set NETRC and the like
  regpass logout                                      undo, revoke, remove
  regpass demo                                        see it all on this machine, no account needed`

// Main runs the program with the arguments that follow its name and returns the exit code. release is the version that
// the linker set, or empty.
func Main(ctx context.Context, env *regpass.Env, release string, args []string) int {
	forRunner := len(args) > 0 && args[0] == "action"
	say := newPrinter(env.Stderr, forRunner || env.Getenv("GITHUB_ACTIONS") == "true")
	say.shows = forRunner
	env.Stderr, env.Mask = say, say.mask
	set, err := loadSettings(env)
	if err != nil && !needsNoSettings(args) {
		return say.finish(ctx, err)
	}
	root := newRoot(&app{env: env, set: set, say: say, release: released(release)})
	root.SetArgs(args)
	return say.finish(ctx, root.ExecuteContext(ctx))
}

func needsNoSettings(args []string) bool {
	return len(args) == 0 || len(args) > 1 && args[0] == "action" && args[1] == "post" || slices.Contains([]string{"help", "--help", "-h", "version", "--version", "completion"}, args[0])
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           "regpass VERB [REGISTRY…] [FLAGS] [-- COMMAND]",
		Short:         "Short-lived registry credentials for builds",
		Long:          about,
		Example:       examples,
		Version:       a.version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          func(cmd *cobra.Command, args []string) error { return unknownVerb(cmd, args) },
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(a.env.Stdin)
	root.SetOut(a.env.Stdout)
	root.SetErr(a.env.Stderr)
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return regpass.Hintf(regpass.Usagef("%s: %s", cmd.Name(), quoteFlag(err)), "see `regpass help %s`", cmd.Name())
	})
	root.AddGroup(&cobra.Group{ID: "use", Title: "Credentials:"}, &cobra.Group{ID: "serve", Title: "Service:"})
	for _, verb := range []struct {
		group string
		cmd   *cobra.Command
	}{
		{"use", newToken(a)}, {"use", newExec(a)}, {"use", newBuild(a)}, {"use", newLogin(a)}, {"use", newLogout(a)}, {"use", newStatus(a)},
		{"use", newSecrets(a)}, {"use", newInit(a)},
		{"serve", newServe(a)}, {"serve", newDemo(a)},
		{"", newAction(a)}, {"", newCompletion(a)}, {"", newVersion(a)}, {"", newMan(a)},
	} {
		verb.cmd.GroupID = verb.group
		root.AddCommand(verb.cmd)
	}
	root.AddCommand(topics()...)
	root.SetHelpCommand(newHelp(root))
	root.SuggestionsMinimumDistance = 2
	for _, cmd := range append(root.Commands(), root) {
		cmd.DisableFlagsInUseLine = true
	}
	return root
}

// newHelp is cobra's own help but for an unknown word, which is an error here.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:     "help [VERB or TOPIC]",
		Short:   "Help about a verb or a topic",
		Example: "  regpass help token\n  regpass help environment",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return unknownVerb(root, args)
			}
			return cmd.Help()
		},
	}
}

func unknownVerb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "see `regpass help`"
	if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
		hint = "did you mean " + strings.Join(like, " or ") + "?"
	}
	return regpass.Hintf(regpass.Usagef("there is no verb %s", regpass.Quote(args[0])), "%s", hint)
}

// quoteFlag keeps the value of a bad flag out of the message: it may be a secret that was put there by mistake.
func quoteFlag(err error) string {
	text := err.Error()
	if i := strings.Index(text, "invalid argument"); i >= 0 {
		if j := strings.Index(text, " for "); j >= 0 {
			name, _, _ := strings.Cut(text[j+len(" for "):], " flag")
			return "the value of " + strings.Trim(name, `"`) + " does not have the form it needs"
		}
	}
	name, _, _ := strings.Cut(text, "=")
	return name
}
