package project

import "github.com/regpass/regpass/internal/toml"

// uvConfig is the part of uv's settings that names indexes (https://docs.astral.sh/uv/reference/settings/).
type uvConfig struct {
	Index         []index
	IndexURL      string   `toml:"index-url"`
	ExtraIndexURL []string `toml:"extra-index-url"`
	PublishURL    string   `toml:"publish-url"`
}

// index is an entry of uv's index list (https://docs.astral.sh/uv/concepts/indexes/).
type index struct {
	Name, URL  string
	PublishURL string `toml:"publish-url"`
}

// readUV reads uv.toml.
func readUV(text string) (named, error) {
	var c uvConfig
	err := toml.Unmarshal([]byte(text), &c)
	return named{others: c.refs()}, err
}

// refs lists the indexes and upload endpoints, with an empty string for each that is not set.
func (c uvConfig) refs() []string {
	all := append([]string{c.IndexURL, c.PublishURL}, c.ExtraIndexURL...)
	for _, i := range c.Index {
		url := i.URL
		if url != "" && i.Name != "" {
			url += " name=" + i.Name
		}
		all = append(all, url, i.PublishURL)
	}
	return all
}
