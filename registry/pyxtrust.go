package registry

import (
	"cmp"
	"strings"

	"github.com/regpass/regpass"
)

// trustPyx is a policy of `regpass serve`. Its patterns take * for any text, so no claim with one can be pinned.
func trustPyx(env *regpass.Env, t Target, j Job) (Trust, error) {
	x, _ := t.exchanger.(pyxRef)
	if !x.publish && x.workspaceErr != nil {
		return Trust{}, x.workspaceErr
	}
	var claims []string
	for _, c := range j.pinned() {
		if strings.Contains(c.Value, "*") {
			return Trust{}, regpass.Usagef("the claim %s holds a *, which a policy takes for any text", c.Name)
		}
		claims = append(claims, tomlKey(c.Name)+" = "+tomlText(c.Value))
	}
	lines := []string{"[[trust]]", "issuer      = " + tomlText(j.Issuer)}
	host := t.Receiver.Host
	if audience := cmp.Or(j.Audience, host); audience != host {
		lines = append(lines, "audience    = "+tomlText(audience))
	}
	lines = append(lines, "claims      = { "+strings.Join(claims, ", ")+" }", "workspace   = "+tomlText(x.workspace))
	permission := "read"
	if x.publish {
		permission = "write"
		lines = append(lines, "index       = "+tomlText(x.registry))
	}
	lines = append(lines, "permissions = "+tomlText(permission))
	return Trust{
		Where:     "the configuration of `regpass serve`",
		Fields:    []Field{{"issuer", j.Issuer}, {"audience", cmp.Or(j.Audience, host)}, {"subject", j.Subject()}},
		Documents: []Document{{"policy", strings.Join(lines, "\n")}},
		Notes: []string{"The claims together name this job. Where every branch may, pin repository_id instead of sub: " +
			"nobody can take over an id."},
	}, nil
}

// pinned are the claims of a policy: the subject and the ids of what it names, or whatever else tells the job.
func (j Job) pinned() (all []Claim) {
	if j.passing() || j.Claim("sub") == "" {
		return j.telling()
	}
	for _, name := range []string{"sub", "repository_id", "project_id", "app_slug"} {
		if v := j.Claim(name); v != "" {
			all = append(all, Claim{name, v})
		}
	}
	return all
}

// tomlKey is a bare key where it can be.
func tomlKey(name string) string {
	if strings.ContainsAny(name, "./") {
		return tomlText(name)
	}
	return name
}

// tomlText quotes text as a basic string of TOML (https://toml.io/en/v1.0.0#string). It holds no control character.
func tomlText(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
