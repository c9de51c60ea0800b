package setup

import (
	"errors"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/toml"
)

// cargo asks the providers from the last to the first, and goes on where one does not know the registry
// (https://doc.rust-lang.org/cargo/reference/config.html#registryglobal-credential-providers).
var cargo = block{
	lines: func(file []byte, _ []string) ([]string, error) {
		const line = `global-credential-providers = ["cargo:token", "cargo-credential-regpass"]`
		if registryTable(file) < 0 {
			return []string{"[registry]", line}, nil
		}
		return []string{line}, nil
	},
	place: func(file []byte) int {
		if at := registryTable(file); at >= 0 {
			return at
		}
		return len(file)
	},
	check: checkCargo,
}

// registryHeader matches the header of the table.
var registryHeader = regpass.Pattern(`^[ \t]*\[[ \t]*registry[ \t]*\][ \t]*(#.*)?$`)

// registryTable is the offset behind the header of the table registry; less than 0: there is none.
func registryTable(file []byte) int {
	offset := 0
	for line := range strings.Lines(string(file)) {
		offset += len(line)
		if registryHeader().MatchString(strings.TrimRight(line, "\r\n")) {
			return offset
		}
	}
	return -1
}

// checkCargo refuses what is no TOML, and a file that names providers of its own.
func checkCargo(file []byte) error {
	var c struct {
		Registry map[string]any
	}
	if err := toml.Unmarshal(file, &c); err != nil {
		return err
	}
	switch providers := c.Registry["global-credential-providers"].(type) {
	case nil:
	case []any:
		if len(providers) == 2 && providers[1] == "cargo-credential-regpass" {
			return nil
		}
		return errors.New("it names credential providers already")
	default:
		return errors.New("it names credential providers already")
	}
	return nil
}
