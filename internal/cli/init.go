package cli

import (
	"embed"
	"slices"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass/ci"
)

// ciSystems are the CI systems that have a recipe, in the order to show them: all that have jobs. How their jobs use
// regpass is recipes/<name>.tmpl filled in.
var ciSystems = slices.DeleteFunc(slices.Clone(ci.Systems), func(s ci.System) bool { return !s.HasJobs() })

//go:embed recipes/*.tmpl
var recipeTexts embed.FS

func ciName(i int) string { return ciSystems[i].Name }

func newInit(a *app) *cobra.Command {
	known := names(ciSystems, ciName)
	return &cobra.Command{
		Use:   "init CI [REGISTRY…]",
		Short: "Print what to add to a CI system's file",
		Long: `Print the recipe for a CI system, filled in for the registries of this project: what proves who a job is, how it logs
in and out, and which keys it needs besides. Nothing is written; standard error says what the recipe cannot do.

CI is one of ` + strings.Join(known, ", ") + `.`,
		Example:   "  regpass init gitlab\n  regpass init github https://api.pyx.dev/simple/acme/main",
		ValidArgs: known,
		RunE: func(_ *cobra.Command, args []string) error {
			name := ""
			if len(args) > 0 {
				name, args = args[0], args[1:]
			}
			r, err := byName("init", "CI system", name, ciSystems, ciName)
			if err != nil {
				return err
			}
			return a.initCI(r, args)
		},
	}
}

func (a *app) initCI(r ci.System, args []string) error {
	refs, err := a.registries(args)
	if err != nil {
		return err
	}
	f, err := a.fill(r, refs)
	if err != nil {
		return err
	}
	text, err := template.New(r.Name+".tmpl").Funcs(template.FuncMap{"join": strings.Join, "lower": credentialID}).ParseFS(recipeTexts, "recipes/"+r.Name+".tmpl")
	if err != nil {
		return err
	}
	for _, note := range f.notes {
		a.say.notef("init: %s", note)
	}
	return text.Execute(a.env.Stdout, f)
}

// credentialID is what Jenkins' users call a credential: the variable's name in small letters with dashes.
func credentialID(variable string) string {
	return strings.ToLower(strings.ReplaceAll(strings.Trim(variable, "_"), "_", "-"))
}
