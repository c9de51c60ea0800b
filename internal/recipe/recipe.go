// Package recipe answers "how does a job of this CI system use regpass?". It fills in the CI system's template for the
// registries of a project.
package recipe

import (
	"embed"
	"slices"
	"strings"
	"text/template"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
)

// Systems are the CI systems that have a recipe, recipes/<Name>.tmpl: all that have jobs.
func Systems() []ci.System {
	return slices.DeleteFunc(slices.Clone(ci.Systems), func(s ci.System) bool { return !s.HasJobs() })
}

//go:embed recipes/*.tmpl
var templates embed.FS

// Render returns the recipe of s for the registries, and notes about its limits: one line each, without a full stop. It
// is a usage error if one recipe cannot hold all the registries, or cannot hold one of them as it is written.
func Render(env *regpass.Env, s ci.System, refs []regpass.Ref) (text string, notes []string, err error) {
	f, err := fill(env, s, refs)
	if err != nil {
		return "", nil, err
	}
	name := s.Name + ".tmpl"
	funcs := template.FuncMap{"join": strings.Join, "lower": credentialID, "tag": tokenTag}
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

// credentialID is the usual id of a credential in Jenkins: the variable's name in lower case with dashes.
func credentialID(variable string) string {
	return strings.ToLower(strings.ReplaceAll(strings.Trim(variable, "_"), "_", "-"))
}

// tokenTag is the tag of a token in HCP Terraform: the audience as in the variable's name.
func tokenTag(variable string) string { return strings.TrimSuffix(variable, "_ID_TOKEN") }
