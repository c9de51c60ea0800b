package cli

import (
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/action"
	"github.com/regpass/regpass/envsync"
)

// exported is the variable that tells later uses of the action in the job which values earlier ones have exported:
// fingerprints, with spaces between them.
const exported = settingPrefix + "EXPORTED"

// export sets variables for the steps that follow.
func (a *app) export(r *action.Runner, vars []envsync.Var) error {
	ours := strings.Fields(a.env.Getenv(exported))
	for _, v := range vars {
		if !v.Secret.Empty() {
			ours = append(ours, v.Secret.Fingerprint())
		}
		if err := r.SetEnv(v.Name, v.Value()); err != nil {
			return err
		}
	}
	return r.SetEnv(exported, strings.Join(regpass.Unique(ours, strings.Clone), " "))
}

// withoutExports hides what an earlier use of the action exported. A variable such as PYX_AUTH_TOKEN is a proof too,
// and a second use for another registry of the kind would be given the first one's token.
func withoutExports(getenv func(string) string) func(string) string {
	ours := map[string]bool{}
	for _, fingerprint := range strings.Fields(getenv(exported)) {
		ours[fingerprint] = true
	}
	if len(ours) == 0 {
		return getenv
	}
	return func(name string) string {
		value := getenv(name)
		if ours[regpass.NewSecret(value).Fingerprint()] {
			return ""
		}
		return value
	}
}
