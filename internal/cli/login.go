package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/envsync/ask"
	"github.com/regpass/regpass/envsync/clients"
	"github.com/regpass/regpass/session"
)

type varFormat struct {
	name  string
	print func(w io.Writer, vars []envsync.Var) error
	unset func(name string) string // the line that unsets a variable; nil: print shows it by having no value
}

// varFormats lists the formats in which login prints the variables to set, and logout those to set and to unset. A
// format refuses values it cannot carry.
var varFormats = []varFormat{
	{"sh", eachVar(func(name, value string) string {
		return "export " + name + "='" + strings.ReplaceAll(value, "'", `'\''`) + "'"
	}), func(name string) string { return "unset " + name }},
	{"fish", eachVar(func(name, value string) string {
		return "set -gx " + name + " '" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(value) + "'"
	}), func(name string) string { return "set -e " + name }},
	{"dotenv", func(w io.Writer, vars []envsync.Var) error {
		for _, v := range vars {
			if !plainValue().MatchString(v.Value()) {
				return regpass.Usagef("%s has a value that dotenv files quote in different ways; use --format sh or json", v.Name)
			}
		}
		return eachVar(func(name, value string) string { return name + "=" + value })(w, vars)
	}, func(name string) string { return name + "=" }},
	{"powershell", eachVar(func(name, value string) string {
		return "$env:" + name + " = '" + powershellQuotes().ReplaceAllString(value, "$0$0") + "'"
	}), func(name string) string { return "Remove-Item Env:" + name }},
	{"json", func(w io.Writer, vars []envsync.Var) error {
		out := map[string]*string{}
		for _, v := range vars {
			out[v.Name] = nil
			if value := v.Value(); value != "" {
				out[v.Name] = &value
			}
		}
		return json.NewEncoder(w).Encode(out)
	}, nil},
}

// powershellQuotes matches every quote that ends a string begun with '
// (https://github.com/PowerShell/PowerShell/blob/master/src/System.Management.Automation/engine/parser/CharTraits.cs).
var powershellQuotes = regpass.Pattern("['\u2018\u2019\u201a\u201b]")

// plainValue matches values that every reader of dotenv files takes literally.
var plainValue = regpass.Pattern(`^[A-Za-z0-9_./:@%+,=-]*$`)

// variableName matches the names that a shell's variables can have.
var variableName = regpass.Pattern(`^[A-Za-z_][A-Za-z0-9_]*$`)

// eachVar returns a print function that writes each variable as one line. It refuses values with line breaks.
func eachVar(line func(name, value string) string) func(io.Writer, []envsync.Var) error {
	return func(w io.Writer, vars []envsync.Var) error {
		for _, v := range vars {
			if !variableName().MatchString(v.Name) {
				return regpass.Hintf(regpass.Usagef("no shell can hold a variable named %s", regpass.Quote(v.Name)),
					"use `regpass exec -- COMMAND`")
			}
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

// loginOptions are the flags of login.
type loginOptions struct {
	credential credentialFlags
	sinks      sinkFlags
	format     string
	check      bool
}

func newLogin(a *app) *cobra.Command {
	o := loginOptions{credential: credentialFlags{options: broker.Options{Browser: true, KeepAll: true}}}
	cmd := &cobra.Command{
		Use:   "login [REGISTRY…]",
		Short: "Write credentials for clients, print the variables to set",
		Long: `Write credentials where clients look for them, and print the variables to set on standard output. By default
all files are private ones in the session's folder. Files of yours are changed only if a flag names them, and
` + "`regpass logout`" + ` puts them back, and with --format it undoes the variables of the shell.`,
		Example: `  vars=$(regpass login pyx.dev) && eval "$vars"
  regpass login pyx.dev --format fish | source
  regpass login pyx.dev --format json | from json | load-env    # nushell
  regpass login https://api.pyx.dev/simple/acme/main --to netrc --netrc-file ~/.netrc
  printf %s "$PASSWORD" | regpass login https://conda.example --username ci --password-stdin
  printf %s "$SECRET_KEY" | regpass login s3://bucket/channel --username "$KEY_ID" --password-stdin
  regpass login https://pkgs.example/simple --token-stdin --check <token`,
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := regpass.Pick("format", o.format, varFormats, varFormatName)
			if err != nil {
				return err
			}
			return login(cmd.Context(), a, args, &o, f)
		},
	}
	o.credential.add(a, cmd)
	o.credential.addUnavailable(cmd)
	o.sinks.add(a, cmd, clients.Defaults(false))
	o.sinks.addInPlace(cmd)
	cmd.Flags().BoolVar(&o.check, "check", false, "ask the registry's URL with the credential before it is written; "+
		"exit with 1 if it is refused")
	names := regpass.Names(varFormats, varFormatName)
	cmd.Flags().StringVar(&o.format, "format", "sh", "print the variables as `FORM`: "+strings.Join(names, ", "))
	complete(cmd, "format", names)
	addJSON(cmd, &o.format)
	return cmd
}

func login(ctx context.Context, a *app, args []string, o *loginOptions, format varFormat) error {
	if err := o.sinks.check(a); err != nil {
		return err
	}
	refs, err := a.registries(args)
	if err != nil {
		return err
	}
	if err := o.sinks.checkNames(a, refs); err != nil {
		return err
	}
	s, all, err := o.credential.leases(ctx, a, refs)
	if err != nil {
		return err
	}
	if o.check {
		ctx, cancel := context.WithTimeout(ctx, o.credential.options.Timeout)
		defer cancel()
		if err := a.checkLeases(ctx, s, all); err != nil {
			return err
		}
	}
	plan, err := o.sinks.plan(a, s, all)
	if err != nil {
		return err
	}
	plan.Changes = append(plan.Changes, forHelpers(s, all)...)
	var vars bytes.Buffer
	if err := format.print(&vars, plan.Vars); err != nil { // before a file is written
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.credential.options.Timeout)
	defer cancel()
	if err := s.Apply(ctx, plan.Changes); err != nil {
		return err
	}
	if err := s.Remember(ctx, plan.Vars); err != nil {
		return err
	}
	stored, err := s.Store(ctx, plan.Items)
	switch {
	case err != nil && len(plan.Vars) == 0 && stored == 0: // nobody else gets it
		return err
	case err != nil:
		a.say.Warn(err)
	}
	for _, item := range plan.Items[:stored] {
		a.say.notef("stored the credential for %s in your keychain", item.Account)
	}
	a.say.plan(plan)
	for _, c := range plan.Changes {
		if c.Format.Name != ask.Format.Name { // only regpass reads it
			a.say.notef("wrote %s", c.Path)
		}
	}
	if _, err = vars.WriteTo(a.env.Stdout); err != nil {
		return err
	}
	if f, ok := a.env.Stdout.(*os.File); ok && len(plan.Vars) > 0 && term.IsTerminal(int(f.Fd())) {
		a.say.notef("nothing is set in this shell yet: paste these lines, or see the examples of `regpass help login`")
	}
	return nil
}

// forHelpers is the file from which helpers answer that were installed, or that a person put on PATH: after a login
// they need no registry to be named.
func forHelpers(s *session.Session, all []broker.Lease) []envsync.Change {
	var entries []envsync.Entry
	for _, l := range all {
		for _, cred := range l.Cred.PerHost() {
			e := envsync.Entry{Ref: l.Target.Ref, Cred: cred}
			if ask.Format.Carries(e) == nil {
				entries = append(entries, e)
			}
		}
	}
	if len(entries) == 0 {
		return nil
	}
	change, _ := ask.Change(s.Files(), entries)
	return []envsync.Change{change}
}
