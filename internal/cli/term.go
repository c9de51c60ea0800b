package cli

import (
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
	cmd.MarkFlagsMutuallyExclusive("json", "format")
}

// noArgs refuses arguments, with an error in our words.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return regpass.Hintf(regpass.Usagef("%s takes no arguments", cmd.Name()), "see `regpass help %s`", cmd.Name())
	}
	return nil
}
