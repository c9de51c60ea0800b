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

// noArgs refuses arguments, with an error in our words.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return regpass.Hintf(regpass.Usagef("%s takes no arguments", cmd.Name()), "see `regpass help %s`", cmd.Name())
	}
	return nil
}
