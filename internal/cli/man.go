package cli

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/regpass/regpass"
)

// newMan is for packagers. The pages are made from the same tree of commands as the help.
func newMan(a *app) *cobra.Command {
	var tables bool
	cmd := &cobra.Command{
		Use:     "man FOLDER",
		Short:   "Write the manual pages into a folder",
		Example: "  SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) regpass man share/man/man1",
		Hidden:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if tables {
				_, err := io.WriteString(a.env.Stdout, identityTable()+"\n"+registryTable()+"\n"+clientTable())
				return err
			}
			if len(args) != 1 {
				return regpass.Usagef("man takes one folder")
			}
			day := a.env.Now()
			if text := a.env.Getenv("SOURCE_DATE_EPOCH"); text != "" { // reproducible-builds.org/specs/source-date-epoch
				seconds, err := strconv.ParseInt(text, 10, 64)
				if err != nil {
					return regpass.Usagef("man: SOURCE_DATE_EPOCH is not a number of seconds")
				}
				day = time.Unix(seconds, 0)
			}
			return writeManual(a.env, cmd.Root(), args[0], a.release, day.UTC())
		},
	}
	cmd.Flags().BoolVar(&tables, "tables", false, "print the README's tables instead")
	return cmd
}

// writeManual writes regpass.1, and regpass-NAME.1 for each command and each topic of help. Each page is dated with
// day.
func writeManual(env *regpass.Env, root *cobra.Command, dir, release string, day time.Time) error {
	all := []*cobra.Command{root}
	for _, cmd := range root.Commands() {
		if !cmd.Hidden && cmd.Name() != "help" {
			all = append(all, cmd)
		}
	}
	for _, cmd := range all {
		page := manualPage(cmd, all, release, day)
		path := filepath.Join(dir, manualName(cmd)+".1")
		if err := writeOutput(env, path, []byte(page)); err != nil {
			return fmt.Errorf("man: %w", err)
		}
	}
	return nil
}

func manualName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manualPage returns the page of one command or topic, in the language of man(7).
func manualPage(cmd *cobra.Command, all []*cobra.Command, release string, day time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 %s \"regpass %s\"\n", strings.ToUpper(manualName(cmd)), day.Format(time.DateOnly), release)
	b.WriteString(".nh\n.ad l\n") // words such as --min-lifetime stay whole
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", manualName(cmd), roff(cmd.Short))
	if cmd.Runnable() {
		fmt.Fprintf(&b, ".SH SYNOPSIS\n.nf\n%s\n.fi\n", roff(cmd.UseLine()))
	}
	b.WriteString(".SH DESCRIPTION\n")
	if cmd.Long == "" {
		b.WriteString(roffText(cmd.Short + "."))
	}
	b.WriteString(roffText(cmd.Long))
	cmd.InitDefaultHelpFlag()
	if cmd.Runnable() {
		b.WriteString(".SH OPTIONS\n")
		cmd.Flags().VisitAll(func(f *pflag.Flag) { b.WriteString(manualOption(f)) })
	}
	if cmd.Example != "" {
		b.WriteString(".SH EXAMPLES\n" + roffText(cmd.Example))
	}
	b.WriteString(".SH SEE ALSO\n")
	for _, other := range all {
		if other != cmd {
			fmt.Fprintf(&b, ".TP\n.BR %s (1)\n%s\n", roff(manualName(other)), roff(other.Short))
		}
	}
	return b.String()
}

func manualOption(f *pflag.Flag) string {
	value, usage := pflag.UnquoteUsage(f)
	name := `\-\-` + roff(f.Name)
	if f.Shorthand != "" {
		name = `\-` + f.Shorthand + ", " + name
	}
	switch {
	case value != "" && f.NoOptDefVal != "":
		value = fmt.Sprintf(`[=\fI%s\fR]`, roff(value))
	case value != "":
		value = fmt.Sprintf(` \fI%s\fR`, roff(value))
	}
	if standard := f.DefValue; !slices.Contains([]string{"", "false", "0", "[]"}, standard) {
		usage += " (default " + standard + ")"
	}
	return fmt.Sprintf(".TP\n\\fB%s\\fR%s\n%s\n", name, value, roff(usage))
}

// roffText converts prose that holds tables and commands: indented lines keep their line breaks.
func roffText(text string) string {
	var b strings.Builder
	verbatim, begin := false, ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \n")
		if line == "" {
			begin = ".PP\n"
			continue
		}
		if indented := strings.HasPrefix(line, " "); indented != verbatim {
			verbatim = indented
			b.WriteString(map[bool]string{true: ".nf\n", false: ".fi\n"}[verbatim])
		}
		b.WriteString(begin + roff(line) + "\n")
		begin = ""
	}
	if verbatim {
		b.WriteString(".fi\n")
	}
	return b.String()
}

// roffSpecial escapes characters that man(7) would interpret, or would print as typographic ones, which no shell takes.
var roffSpecial = strings.NewReplacer(`\`, `\(rs`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`,
	`"`, `\(dq`)

// roff escapes a line of text for a manual page.
func roff(line string) string {
	line = roffSpecial.Replace(line)
	if strings.HasPrefix(line, ".") {
		return `\&` + line
	}
	return line
}
