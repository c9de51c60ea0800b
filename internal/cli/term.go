package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
)

// complete offers the values of a flag to the shell.
func complete(cmd *cobra.Command, flag string, values []string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)) // fails only without the flag
}

// noArgs refuses arguments in our words.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return regpass.Hintf(regpass.Usagef("%s takes no arguments", cmd.Name()), "see `regpass help %s`", cmd.Name())
	}
	return nil
}

// short writes a duration for people, in one unit: 3h, 12m or 45s.
func short(d time.Duration) string {
	switch {
	case d >= 2*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	case d >= 2*time.Minute:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	}
	return fmt.Sprintf("%ds", int(d.Seconds()))
}
