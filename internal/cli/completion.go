package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
)

type completionScript struct {
	name  string
	print func(root *cobra.Command, w io.Writer) error
}

// shells lists the shells that have a completion script.
var shells = []completionScript{
	{"bash", func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) }},
	{"zsh", func(root *cobra.Command, w io.Writer) error { return root.GenZshCompletion(w) }},
	{"fish", func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) }},
	{"powershell", func(root *cobra.Command, w io.Writer) error { return root.GenPowerShellCompletionWithDesc(w) }},
}

func shellName(row completionScript) string { return row.name }

func newCompletion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print the completion script for bash, zsh, fish or powershell",
		Example: `  source <(regpass completion bash)      # in ~/.bashrc
  source <(regpass completion zsh)       # in ~/.zshrc, behind compinit
  regpass completion fish > ~/.config/fish/completions/regpass.fish
  regpass completion powershell | Out-String | Invoke-Expression`,
		ValidArgs: regpass.Names(shells, shellName),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			s, err := regpass.Pick("shell", name, shells, shellName)
			if err != nil {
				return err
			}
			return s.print(cmd.Root(), a.env.Stdout)
		},
	}
}
