package project

import "github.com/regpass/regpass/internal/toml"

// pixiConfig is the part of a pixi manifest that names channels and indexes
// (https://pixi.prefix.dev/latest/reference/pixi_manifest/). A channel is a string or a table with the key channel.
type pixiConfig struct {
	Workspace, Project struct{ Channels []any }
	PyPI               struct {
		IndexURL       string   `toml:"index-url"`
		ExtraIndexURLs []string `toml:"extra-index-urls"`
	} `toml:"pypi-options"`
}

// readPixi reads pixi.toml.
func readPixi(text string) (named, error) {
	var c pixiConfig
	err := toml.Unmarshal([]byte(text), &c)
	return named{others: c.refs()}, err
}

// refs lists the channels and indexes, with an empty string for an index that is not set.
func (c pixiConfig) refs() []string {
	all := append([]string{c.PyPI.IndexURL}, c.PyPI.ExtraIndexURLs...)
	for _, ch := range append(c.Workspace.Channels, c.Project.Channels...) {
		if table, ok := ch.(map[string]any); ok {
			ch = table["channel"]
		}
		if url, ok := ch.(string); ok {
			all = append(all, url)
		}
	}
	return all
}
