package project

import (
	"maps"
	"slices"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/toml"
)

// readCargo reads a project's .cargo/config.toml (https://doc.rust-lang.org/cargo/reference/config.html).
func readCargo(text string) (list named, err error) {
	var c struct {
		Registries map[string]struct{ Index string }
		Source     map[string]struct{ Registry string }
	}
	if err := toml.Unmarshal([]byte(text), &c); err != nil {
		return named{}, err
	}
	for _, name := range slices.Sorted(maps.Keys(c.Registries)) {
		if url, ok := strings.CutPrefix(c.Registries[name].Index, "sparse+"); ok {
			list.others = append(list.others, url)
			list.names = append(list.names, regpass.Named{Client: "cargo", Name: name, URL: url})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Source)) {
		if url, ok := strings.CutPrefix(c.Source[name].Registry, "sparse+"); ok {
			list.others = append(list.others, url)
		}
	}
	return list, nil
}
