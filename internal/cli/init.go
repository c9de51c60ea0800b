package cli

import (
	"embed"
	"strings"
	"text/template"

	"github.com/spf13/cobra"
)

// identities is how many registries a job of a CI system can show an identity to: a token is shown to one only.
type identities int

const (
	noIdentity  identities = iota // its tokens are for somebody else
	oneToken                      // one token a job, for one registry
	eachDeclare                   // a token for each audience that is written down before the job begins
	eachAsked                     // any number, when asked
)

// ciSystem is a CI system that `init` knows. How its jobs use regpass is recipes/<name>.tmpl filled in.
type ciSystem struct {
	name, title string
	identities  identities
}

// ciSystems are the recipes, in the order to show them.
var ciSystems = []ciSystem{
	{"github", "GitHub Actions", eachAsked},
	{"gitlab", "GitLab CI/CD", eachDeclare},
	{"jenkins", "Jenkins", eachDeclare},
	{"buildkite", "Buildkite", eachAsked},
	{"circleci", "CircleCI", eachAsked},
	{"azure", "Azure Pipelines", noIdentity},
	{"bitbucket", "Bitbucket Pipelines", oneToken},
}

//go:embed recipes/*.tmpl
var recipeTexts embed.FS

func ciName(i int) string { return ciSystems[i].name }

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

func (a *app) initCI(r ciSystem, args []string) error {
	refs, err := a.registries(args)
	if err != nil {
		return err
	}
	f, err := a.fill(r, refs)
	if err != nil {
		return err
	}
	text, err := template.New(r.name+".tmpl").Funcs(template.FuncMap{"join": strings.Join, "lower": credentialID}).ParseFS(recipeTexts, "recipes/"+r.name+".tmpl")
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
