// Package recipe answers "how does a job of this CI system use regpass?". It fills in the system's template for the
// registries of a project.
package recipe

import (
	"embed"
	"strings"
	"text/template"

	"github.com/regpass/regpass"
)

// identities is how many registries a job of a CI system can show an identity to: a token is shown to one only.
type identities int

const (
	noIdentity  identities = iota // its tokens are for somebody else
	oneToken                      // one token a job, for one registry
	eachDeclare                   // a token for each audience that is written down before the job begins
	eachAsked                     // any number, when asked
)

// System is a CI system that has a recipe: recipes/<Name>.tmpl, filled in.
type System struct {
	Name  string // lower-case, as the user types it: "gitlab"
	Title string // as its maker writes it: "GitLab CI/CD"

	identities identities
}

// Systems are the CI systems, in the order to show them.
var Systems = []System{
	{"github", "GitHub Actions", eachAsked},
	{"gitlab", "GitLab CI/CD", eachDeclare},
	{"jenkins", "Jenkins", eachDeclare},
	{"buildkite", "Buildkite", eachAsked},
	{"circleci", "CircleCI", eachAsked},
	{"azure", "Azure Pipelines", noIdentity},
	{"bitbucket", "Bitbucket Pipelines", oneToken},
}

//go:embed recipes/*.tmpl
var templates embed.FS

// Render returns the recipe of s for the registries, and notes about its limits: one line each, with no full stop at
// the end. A usage error says that no recipe can hold the registries together, or one of them as it is written.
func Render(env *regpass.Env, s System, refs []regpass.Ref) (text string, notes []string, err error) {
	f, err := fill(env, s, refs)
	if err != nil {
		return "", nil, err
	}
	name := s.Name + ".tmpl"
	funcs := template.FuncMap{"join": strings.Join, "lower": credentialID}
	t, err := template.New(name).Funcs(funcs).ParseFS(templates, "recipes/"+name)
	if err != nil {
		return "", nil, err
	}
	var out strings.Builder
	if err := t.Execute(&out, f); err != nil {
		return "", nil, err
	}
	return out.String(), f.notes, nil
}

// credentialID is what Jenkins' users call a credential: the variable's name in small letters with dashes.
func credentialID(variable string) string {
	return strings.ToLower(strings.ReplaceAll(strings.Trim(variable, "_"), "_", "-"))
}
