package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/envsync/clients"
	"github.com/regpass/regpass/session"
)

type varFormat struct {
	name  string
	print func(w io.Writer, vars []envsync.Var) error
}

// varFormats are the forms in which `login` prints the variables to set. A value that a form can't carry is refused.
var varFormats = []varFormat{
	{"sh", eachVar(func(name, value string) string {
		return "export " + name + "='" + strings.ReplaceAll(value, "'", `'\''`) + "'"
	})},
	{"dotenv", func(w io.Writer, vars []envsync.Var) error {
		for _, v := range vars {
			if !plainValue().MatchString(v.Value()) {
				return regpass.Usagef("%s has a value that dotenv files quote in different ways; use --format sh or json", v.Name)
			}
		}
		return eachVar(func(name, value string) string { return name + "=" + value })(w, vars)
	}},
	{"powershell", eachVar(func(name, value string) string {
		return "$env:" + name + " = '" + powershellQuotes().ReplaceAllString(value, "$0$0") + "'"
	})},
	{"json", func(w io.Writer, vars []envsync.Var) error {
		out := map[string]string{}
		for _, v := range vars {
			out[v.Name] = v.Value()
		}
		return json.NewEncoder(w).Encode(out)
	}},
}

// powershellQuotes are all that end a string that ' began
// (https://github.com/PowerShell/PowerShell/blob/master/src/System.Management.Automation/engine/parser/CharTraits.cs).
var powershellQuotes = regpass.Pattern("['\u2018\u2019\u201a\u201b]")

// plainValue is what every reader of dotenv files takes as it is.
var plainValue = regpass.Pattern(`^[A-Za-z0-9_./:@%+,=-]*$`)

func eachVar(line func(name, value string) string) func(io.Writer, []envsync.Var) error {
	return func(w io.Writer, vars []envsync.Var) error {
		for _, v := range vars {
			if strings.ContainsAny(v.Value(), "\n\r\x00") {
				return regpass.Usagef("%s has a value with a line break", v.Name)
			}
			if _, err := fmt.Fprintln(w, line(v.Name, v.Value())); err != nil {
				return err
			}
		}
		return nil
	}
}

func varFormatName(row varFormat) string { return row.name }

func newLogin(a *app) *cobra.Command {
	credential := credentialFlags{options: broker.Options{Browser: true, KeepAll: true}}
	var sinks sinkFlags
	var format string
	cmd := &cobra.Command{
		Use:   "login [REGISTRY…]",
		Short: "Write credentials for clients, print the variables to set",
		Long: `Write credentials where clients look for them, and print on standard output the variables to set. By default all
files are private ones in the session's folder; files of yours are changed only where a flag names them, and put back
by ` + "`regpass logout`" + `.`,
		Example: `  vars=$(regpass login pyx.dev) && eval "$vars"
  regpass login https://api.pyx.dev/simple/acme/main --to netrc --netrc-file ~/.netrc
  printf %s "$PASSWORD" | regpass login https://conda.example --username ci --password-stdin --to rattler`,
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := regpass.Pick("format", format, varFormats, varFormatName)
			if err != nil {
				return err
			}
			return login(cmd, a, args, &credential, &sinks, f.print)
		},
	}
	credential.add(a, cmd)
	sinks.add(a, cmd, clients.Defaults(false))
	sinks.addInPlace(cmd)
	cmd.Flags().StringVar(&format, "format", "sh", "print the variables as `FORM`: "+strings.Join(regpass.Names(varFormats, varFormatName), ", "))
	complete(cmd, "format", regpass.Names(varFormats, varFormatName))
	return cmd
}

func login(cmd *cobra.Command, a *app, args []string, credential *credentialFlags, sinks *sinkFlags, print func(io.Writer, []envsync.Var) error) error {
	if err := sinks.check(); err != nil {
		return err
	}
	refs, err := a.registries(args)
	if err != nil {
		return err
	}
	s, err := session.Start(a.env)
	if err != nil {
		return err
	}
	b, err := credential.broker(a, s)
	if err != nil {
		return err
	}
	all, err := b.All(cmd.Context(), refs)
	if err != nil {
		return err
	}
	plan, err := sinks.plan(a, s, all)
	if err != nil {
		return err
	}
	var vars bytes.Buffer
	if err := print(&vars, plan.Vars); err != nil { // before anything is written
		return err
	}
	if err := s.Apply(cmd.Context(), plan.Changes); err != nil {
		return err
	}
	for _, w := range plan.Warnings {
		a.say.line("warning: ", w)
	}
	for _, c := range plan.Changes {
		a.say.notef("wrote %s", c.Path)
	}
	_, err = vars.WriteTo(a.env.Stdout)
	return err
}
