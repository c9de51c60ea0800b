package project

import "github.com/regpass/regpass/internal/toml"

// readRegpass reads regpass.toml, our own file. Its key registry is a list of registries, as on the command line.
func readRegpass(text string) (named, error) {
	var c struct{ Registry []string }
	err := toml.Unmarshal([]byte(text), &c)
	return named{ours: c.Registry}, err
}

// readPyproject reads pyproject.toml (https://packaging.python.org/en/latest/specifications/pyproject-toml/). Its table
// tool has one table for us and one for each program that has indexes.
func readPyproject(text string) (named, error) {
	var c struct {
		Tool struct {
			Regpass struct{ Registry []string }
			UV      uvConfig
			Pixi    pixiConfig
			Poetry  sources
			PDM     sources
		}
	}
	err := toml.Unmarshal([]byte(text), &c)
	others := append(c.Tool.UV.refs(), c.Tool.Pixi.refs()...)
	others = append(append(others, c.Tool.Poetry.refs()...), c.Tool.PDM.refs()...)
	return named{ours: c.Tool.Regpass.Registry, others: others}, err
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
