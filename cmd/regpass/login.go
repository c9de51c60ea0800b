package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// varFormats are the forms in which `login` prints the variables to set. A value that a form can't carry is refused.
var varFormats = []struct {
	name  string
	print func(w io.Writer, vars []envsync.Var) error
}{
	{"sh", eachVar(func(name, value string) string {
		return "export " + name + "='" + strings.ReplaceAll(value, "'", `'\''`) + "'"
	})},
	{"dotenv", func(w io.Writer, vars []envsync.Var) error {
		for _, v := range vars {
			if !plainValue.MatchString(v.Value()) {
				return regpass.Usagef("%s has a value that dotenv files quote in different ways; use --format sh or json", v.Name)
			}
		}
		return eachVar(func(name, value string) string { return name + "=" + value })(w, vars)
	}},
	{"powershell", eachVar(func(name, value string) string {
		return "$env:" + name + " = '" + strings.ReplaceAll(value, "'", "''") + "'"
	})},
	{"json", func(w io.Writer, vars []envsync.Var) error {
		out := map[string]string{}
		for _, v := range vars {
			out[v.Name] = v.Value()
		}
		return json.NewEncoder(w).Encode(out)
	}},
}

// plainValue is what every reader of dotenv files takes as it is.
var plainValue = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,=-]*$`)

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

func newLogin(a *app) *cobra.Command {
	p := proofFlags{browser: true, keep: true}
	var sinks sinkFlags
	var format string
	var formats []string
	for _, f := range varFormats {
		formats = append(formats, f.name)
	}
	cmd := &cobra.Command{
		Use:   "login REGISTRY…",
		Short: "Write credentials for clients, print the variables to set",
		Long: `Write credentials where clients look for them, and print on standard output the variables to set. By default all
files are private ones in the session's folder; files of yours are changed only where a flag names them, and put back
by ` + "`regpass logout`" + `.`,
		Example: `  eval "$(regpass login pyx.dev)"
  regpass login https://api.pyx.dev/simple/acme/main --to netrc --netrc-file ~/.netrc
  printf %s "$PASSWORD" | regpass login https://conda.example --username ci --password-stdin --to rattler`,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, f := range varFormats {
				if f.name == format {
					return login(cmd, a, args, &p, &sinks, f.print)
				}
			}
			return regpass.Usagef("login: there is no format %s; there are %s", regpass.Quote(format), strings.Join(formats, ", "))
		},
	}
	p.add(a, cmd)
	sinks.add(a, cmd, "netrc", "rattler", "uv")
	cmd.Flags().StringVar(&sinks.options.NetrcFile, "netrc-file", "", "netrc: change this `FILE` in place instead of a private one")
	cmd.Flags().BoolVar(&sinks.options.RattlerHome, "rattler-home", false, "rattler: change ~/.rattler/credentials.json in place instead of a private file")
	cmd.Flags().StringVar(&format, "format", "sh", "print the variables as `FORM`: "+strings.Join(formats, ", "))
	return cmd
}

func login(cmd *cobra.Command, a *app, args []string, p *proofFlags, sinks *sinkFlags, print func(io.Writer, []envsync.Var) error) error {
	if f := sinks.options.NetrcFile; f != "" {
		path, err := filepath.Abs(f)
		if err != nil {
			return fmt.Errorf("login: %w", err)
		}
		sinks.options.NetrcFile = path
	}
	refs, err := a.registries(args)
	if err != nil {
		return err
	}
	s, err := a.newSession()
	if err != nil {
		return err
	}
	all, err := a.credentials(cmd.Context(), s, refs, p)
	if err != nil {
		return err
	}
	plan, err := sinks.plan(a, s, all)
	if err != nil {
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
	return print(a.env.Stdout, plan.Vars)
}
