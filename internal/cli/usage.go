package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// groups of commands in the help of the program.
const (
	credentialGroup = "credentials"
	serviceGroup    = "service"
	otherGroup      = "other"
)

// usageTemplate is cobra's default in our words, with flags broken at lineWidth columns.
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
{{.LocalFlags.FlagUsagesWrapped 100 | trimTrailingWhitespaces}}
{{end}}{{if .HasAvailableSubCommands}}
` + "See `{{if .HasParent}}{{.CommandPath}} COMMAND --help{{else}}{{.Name}} help COMMAND` or " +
	"`{{.Name}} help TOPIC{{end}}` for more." + `
{{end}}`

// setUsage has all commands from cmd on down print their usage alike.
func setUsage(cmd *cobra.Command) {
	cmd.DisableFlagsInUseLine = true
	cmd.Long = prose(cmd.Long)
	cmd.Flags().BoolP("help", "h", false, "print this help")
	for _, sub := range cmd.Commands() {
		setUsage(sub)
	}
}

// prose is a text with its paragraphs broken anew into lines of lineWidth. Lines that begin with a space are kept, and
// so are those before a line that names a row, such as "git: …".
func prose(text string) string {
	var b, paragraph strings.Builder
	end := func() {
		if paragraph.Len() > 0 {
			b.WriteString(wrapped("", "", paragraph.String()))
			paragraph.Reset()
		}
	}
	for line := range strings.Lines(text) {
		first, _, _ := strings.Cut(line, " ")
		switch line = strings.TrimRight(line, "\n"); {
		case line == "" || first == "":
			end()
			b.WriteString(line + "\n")
			continue
		case strings.HasSuffix(first, ":"):
			end()
		}
		paragraph.WriteString(line + "\n")
	}
	end()
	return strings.TrimSuffix(b.String(), "\n")
}
