package cli

import "github.com/spf13/cobra"

// groups of commands in the help of the program.
const (
	credentialGroup = "credentials"
	serviceGroup    = "service"
	otherGroup      = "other"
)

// usageTemplate is cobra's default in our words, with flags broken at 120 columns.
const usageTemplate = `{{if .Runnable}}Usage:
  {{.UseLine}}
{{end}}{{if .HasExample}}
Examples:
{{.Example}}
{{end}}{{$all := .Commands}}{{if and .HasAvailableSubCommands (not .Groups)}}
Commands:{{range $all}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}}  {{.Short}}{{end}}{{end}}
{{end}}{{range $group := .Groups}}
{{.Title}}{{range $all}}{{if and (eq .GroupID $group.ID) (or .IsAvailableCommand (eq .Name "help"))}}
  {{rpad .Name .NamePadding}}  {{.Short}}{{end}}{{end}}
{{end}}{{if .HasHelpSubCommands}}
Topics:{{range $all}}{{if .IsAdditionalHelpTopicCommand}}
  {{rpad .Name .NamePadding}}  {{.Short}}{{end}}{{end}}
{{end}}{{if .HasAvailableLocalFlags}}
Flags:
{{.LocalFlags.FlagUsagesWrapped 120 | trimTrailingWhitespaces}}
{{end}}{{if .HasAvailableSubCommands}}
` + "See `{{if .HasParent}}{{.CommandPath}} COMMAND --help{{else}}{{.Name}} help COMMAND` or " +
	"`{{.Name}} help TOPIC{{end}}` for more." + `
{{end}}`

// setUsage has all commands from cmd on down print their usage alike.
func setUsage(cmd *cobra.Command) {
	cmd.DisableFlagsInUseLine = true
	cmd.Flags().BoolP("help", "h", false, "print this help")
	for _, sub := range cmd.Commands() {
		setUsage(sub)
	}
}
