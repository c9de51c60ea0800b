package cli

import (
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/action"
	"github.com/regpass/regpass/envsync"
)

// exported is the variable that holds the fingerprints of the values that earlier uses of the action in this job have
// exported, separated by spaces.
const exported = settingPrefix + "EXPORTED"

// export sets variables of the steps that follow.
func (a *app) export(r *action.Runner, vars []envsync.Var) error {
	exports := strings.Fields(a.env.Getenv(exported))
	for _, v := range vars {
		if !v.Secret.Empty() {
			exports = append(exports, v.Secret.Fingerprint())
		}
		if err := r.SetEnv(v.Name, v.Value()); err != nil {
			return err
		}
	}
	return r.SetEnv(exported, strings.Join(regpass.Unique(exports, strings.Clone), " "))
}

// withoutExports returns the app with an environment that hides the values an earlier use of the action exported. A
// variable such as PYX_AUTH_TOKEN is a proof too, so a second use for another registry of the same kind would get the
// first one's token.
func (a *app) withoutExports() *app {
	exports := map[string]bool{}
	for _, fingerprint := range strings.Fields(a.env.Getenv(exported)) {
		exports[fingerprint] = true
	}
	env := *a.env
	env.Getenv = func(name string) string {
		value := a.env.Getenv(name)
		if exports[regpass.NewSecret(value).Fingerprint()] {
			return ""
		}
		return value
	}
	hiding := *a
	hiding.env = &env
	return &hiding
}
