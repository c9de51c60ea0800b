package project

import (
	"maps"
	"slices"
	"strings"

	"github.com/regpass/regpass/internal/toml"
)

// readPipfile reads pipenv's file (https://pipenv.pypa.io/en/latest/indexes.html).
func readPipfile(text string) (named, error) {
	var c sources
	err := toml.Unmarshal([]byte(text), &c)
	return named{others: c.refs()}, err
}

// readPDM reads pdm's settings of a project (https://pdm-project.org/latest/reference/configuration/): the index, and
// below it further ones.
func readPDM(text string) (named, error) {
	var c struct{ PyPI, Repository any }
	err := toml.Unmarshal([]byte(text), &c)
	return named{others: append(urlsIn(c.PyPI), urlsIn(c.Repository)...)}, err
}

// readPoetry reads poetry's settings of a project (https://python-poetry.org/docs/configuration/), which name where to
// publish to.
func readPoetry(text string) (named, error) {
	var c struct{ Repositories any }
	err := toml.Unmarshal([]byte(text), &c)
	return named{others: urlsIn(c.Repositories)}, err
}

// urlsIn lists the values of the key url in a table and in the tables in it.
func urlsIn(value any) []string {
	table, _ := value.(map[string]any)
	var all []string
	if url, ok := table["url"].(string); ok {
		all = append(all, url)
	}
	for _, key := range slices.Sorted(maps.Keys(table)) {
		if inner, ok := table[key].(map[string]any); ok {
			if url, ok := inner["url"].(string); ok {
				all = append(all, url)
			}
		}
	}
	return all
}

// hatchConfig is the part of hatch's settings that names indexes, in the variables of its environments
// (https://hatch.pypa.io/latest/config/environment/overview/#environment-variables).
type hatchConfig struct{ Envs any }

// readHatch reads hatch.toml.
func readHatch(text string) (named, error) {
	var c hatchConfig
	err := toml.Unmarshal([]byte(text), &c)
	return named{others: c.refs()}, err
}

func (c hatchConfig) refs() []string {
	envs, _ := c.Envs.(map[string]any)
	var all []string
	for _, name := range slices.Sorted(maps.Keys(envs)) {
		env, _ := envs[name].(map[string]any)
		vars, _ := env["env-vars"].(map[string]any)
		for _, variable := range indexVariables {
			text, _ := vars[variable].(string)
			for word := range strings.FieldsSeq(text) {
				all = append(all, indexIn(word))
			}
		}
	}
	return all
}
