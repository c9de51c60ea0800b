package cli

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
	"github.com/regpass/regpass/internal/recipe"
)

func newInit(a *app) *cobra.Command {
	var known []string
	for _, s := range recipe.Systems() {
		known = append(known, s.Name)
	}
	return &cobra.Command{
		Use:   "init CI [REGISTRY…]",
		Short: "Print what to add to a CI system's file",
		Long: `Print the recipe for a CI system, filled in for the registries of this project: how a job proves who it is, how
it logs in and out, and which keys it needs in addition. No file is written. Standard error says what the recipe cannot
do.

CI is one of ` + strings.Join(known, ", ") + `.`,
		Example:   "  regpass init gitlab\n  regpass init github https://api.pyx.dev/simple/acme/main",
		ValidArgs: known,
		RunE: func(cmd *cobra.Command, args []string) error {
			name := ""
			if len(args) > 0 {
				name, args = args[0], args[1:]
			}
			system, err := regpass.Pick("CI system", name, recipe.Systems(), func(s ci.System) string { return s.Name })
			if err != nil {
				return err
			}
			cmd.Use = strings.Replace(cmd.Use, "CI", system.Name, 1) // a hint repeats the command
			return a.initCI(system, args)
		},
	}
}

func (a *app) initCI(system ci.System, args []string) error {
	refs, err := a.registries(args)
	if err != nil {
		return err
	}
	text, notes, err := recipe.Render(a.env, system, refs)
	if err != nil {
		return err
	}
	for _, note := range notes {
		a.say.notef("init: %s", note)
	}
	_, err = io.WriteString(a.env.Stdout, text)
	return err
}
