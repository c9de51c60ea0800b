package project

import "github.com/pelletier/go-toml/v2"

// readRegpass reads regpass.toml, our own file. Its key registry is a list of registries, as on the command line.
func readRegpass(text string) (named, error) {
	var c struct{ Registry []string }
	err := toml.Unmarshal([]byte(text), &c)
	return named{ours: c.Registry}, err
}

// readPyproject reads pyproject.toml (https://packaging.python.org/en/latest/specifications/pyproject-toml/). Its table
// tool has one table for us, one for uv and one for pixi.
func readPyproject(text string) (named, error) {
	var c struct {
		Tool struct {
			Regpass struct{ Registry []string }
			UV      uvConfig
			Pixi    pixiConfig
		}
	}
	err := toml.Unmarshal([]byte(text), &c)
	return named{ours: c.Tool.Regpass.Registry, others: append(c.Tool.UV.refs(), c.Tool.Pixi.refs()...)}, err
}
