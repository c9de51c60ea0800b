package project

import (
	"errors"
	"slices"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/toml"
)

// readRegpass reads regpass.toml, our own file. Its key registry is a list of registries, as on the command line.
func readRegpass(text string) (named, error) {
	var c map[string]any
	if err := toml.Unmarshal([]byte(text), &c); err != nil {
		return named{}, err
	}
	list, err := ours(c)
	return named{ours: list}, err
}

// ours reads our table: its one key is registry, a list of strings, or a string for one. The error names no other key,
// since the file may be anything.
func ours(table map[string]any) ([]string, error) {
	var list []string
	for key, value := range table {
		if key != "registry" {
			return nil, errors.New("it has another key than registry")
		}
		all, many := value.([]any)
		if !many {
			all = []any{value}
		}
		for _, one := range all {
			text, ok := one.(string)
			if !ok {
				return nil, errors.New("registry is not a list of strings")
			}
			list = append(list, text)
		}
	}
	return list, nil
}

// readPyproject reads pyproject.toml (https://packaging.python.org/en/latest/specifications/pyproject-toml/). Its table
// tool has one table for us and one for each program that has indexes.
func readPyproject(text string) (named, error) {
	var c struct {
		Tool struct {
			Regpass map[string]any
			UV      uvConfig
			Pixi    pixiConfig
			Poetry  sources
			PDM     sources
			Hatch   hatchConfig
		}
	}
	err := toml.Unmarshal([]byte(text), &c)
	list, wrong := ours(c.Tool.Regpass)
	if err == nil {
		err = wrong
	}
	others := append(c.Tool.UV.refs(), c.Tool.Pixi.refs()...)
	others = slices.Concat(others, c.Tool.Poetry.refs(), c.Tool.PDM.refs(), c.Tool.Hatch.refs())
	return named{ours: list, others: others, names: c.Tool.Poetry.names("poetry")}, err
}

// sources are the package sources of poetry (https://python-poetry.org/docs/repositories/) and of pdm
// (https://pdm-project.org/latest/usage/config/#configure-the-package-indexes): tables with a url.
type sources struct{ Source any }

func (s sources) refs() []string {
	var all []string
	tables, _ := s.Source.([]any)
	for _, one := range tables {
		table, _ := one.(map[string]any)
		url, _ := table["url"].(string)
		all = append(all, url)
	}
	return all
}

// names lists the sources under their names.
func (s sources) names(client string) []regpass.Named {
	var all []regpass.Named
	tables, _ := s.Source.([]any)
	for _, one := range tables {
		table, _ := one.(map[string]any)
		name, _ := table["name"].(string)
		if url, _ := table["url"].(string); name != "" && url != "" {
			all = append(all, regpass.Named{Client: client, Name: name, URL: url})
		}
	}
	return all
}
