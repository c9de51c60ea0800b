package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
)

// complete offers the values of a flag to the shell.
func complete(cmd *cobra.Command, flag string, values []string) {
	offer := cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	_ = cmd.RegisterFlagCompletionFunc(flag, offer) // fails only if there is no such flag
}

// addJSON adds --json as a short way to say --format json.
func addJSON(cmd *cobra.Command, format *string) {
	cmd.Flags().BoolFunc("json", "print JSON, as --format json does", func(string) error {
		*format = "json"
		return nil
	})
	oneOf(cmd, "json", "format")
}

// oneOf refuses more than one of the flags, with an error in our words, and has completion offer only one.
func oneOf(cmd *cobra.Command, flags ...string) {
	cmd.MarkFlagsMutuallyExclusive(flags...)
	before := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		var given []string
		for _, name := range flags {
			if cmd.Flags().Changed(name) {
				given = append(given, "--"+name)
			}
		}
		switch {
		case len(given) > 1:
			return regpass.Usagef("%s: %s cannot be given together", cmd.Name(), listed(given))
		case before != nil:
			return before(cmd, args)
		}
		return nil
	}
}

// helpOf is how to ask for the help for a command.
func helpOf(cmd *cobra.Command) string {
	program, words, _ := strings.Cut(cmd.CommandPath(), " ")
	return strings.TrimSpace(program + " help " + words)
}

// noArgs refuses arguments, with an error in our words.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return regpass.Hintf(regpass.Usagef("%s takes no arguments", cmd.Name()), "see `%s`", helpOf(cmd))
	}
	return nil
}
