// Package berry answers "how does yarn 3.2 and later ask for a credential?". It knows a registry's credential only from
// files that a project brings, or one for all registries from a variable, which a project could send anywhere. So it is
// given a plugin of ours, which asks one of our helpers
// (https://yarnpkg.com/advanced/plugin-tutorial, hook getNpmAuthenticationHeader).
package berry

import (
	_ "embed" // of the plugin
	"fmt"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/envsync/ask"
)

//go:embed plugin.cjs
var plugin []byte

// Program is the helper that the plugin starts, in the folder of programs beside it.
const Program = "pnpm-credential-regpass"

// Plugin is the format of the plugin's file. It holds no credential.
var Plugin = envsync.Format{Name: "yarn", Set: set, Restore: restore, Keys: keys}

func set(_ []byte, entries []envsync.Entry) ([]byte, error) {
	if _, err := ask.Format.Set(nil, entries); err != nil {
		return nil, err
	}
	for _, e := range entries {
		if _, err := e.Host(); err != nil {
			return nil, fmt.Errorf("yarn: %w", err)
		}
	}
	return plugin, nil
}

func keys([]envsync.Entry) []string { return nil }

func restore([]byte, []byte, []string) ([]byte, error) { return nil, nil }

// Plan plans the plugin, beside those that yarn is told of already, and has yarn ask it for every request: without, it
// tries each of them without a credential, and does not try again.
func Plan(env *regpass.Env, private envsync.Private, entries []envsync.Entry, _ envsync.Options) (envsync.Plan, error) {
	p := private.Plan(entries, nil, "", nil)
	if was := env.Getenv(private.Var.Name); was != "" {
		p.Vars[0].Plain += ";" + was
	}
	p.Vars = append(p.Vars, envsync.Var{Name: "YARN_NPM_ALWAYS_AUTH", Plain: "true"})
	return p, nil
}
