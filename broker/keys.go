package broker

import (
	"fmt"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/registry"
)

// Variables that hold a key for a registry without one of its own, or name the file that holds it.
const (
	KeyVar     = "REGPASS_API_KEY"
	KeyFileVar = "REGPASS_API_KEY_FILE"
)

// MaxKey is how much is read of a file or standard input that holds a key, in bytes: more than any key has.
const MaxKey = 1 << 20

func isGeneralKey(from string) bool { return from == KeyVar || from == KeyFileVar }

func generalKey(env *regpass.Env) (registry.Proof, bool, error) {
	name, value := env.Lookup(KeyVar)
	if name == "" {
		var path string
		if name, path = env.Lookup(KeyFileVar); name == "" {
			return registry.Proof{}, false, nil
		}
		raw, err := regpass.ReadFile(path, MaxKey)
		if err != nil {
			return registry.Proof{}, false, fmt.Errorf("%s: %s: %w", name, path, err)
		}
		value = string(raw)
	}
	return registry.Proof{Method: regpass.APIKey, From: name, Secret: regpass.SecretLine(value)}, true, nil
}
