package envsync

import (
	"fmt"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// indexName matches the names that uv accepts for an index (crates/uv-distribution-types/src/index_name.rs).
var indexName = regpass.Pattern(`^[A-Za-z0-9._-]+$`)

// notInVar matches the characters of an index name, in upper case, that uv replaces by _ in the name of a variable
// (crates/uv-distribution-types/src/index_name.rs).
var notInVar = regpass.Pattern(`[^A-Z0-9]`)

// Var is a variable that a child process or a later step should have. Exactly one of Secret and Plain is set.
type Var struct {
	Name   string
	Secret regpass.Secret
	Plain  string
	Own    string // path of the user's own file or folder, which clients read without the variable; or empty
}

// Value is the variable's value. A secret is in clear.
func (v Var) Value() string {
	if !v.Secret.Empty() {
		return v.Secret.Reveal()
	}
	return v.Plain
}

// IndexVars are the names of the variables from which uv reads the user name and the password for an index.
func IndexVars(index string) (username, password string) {
	prefix := "UV_INDEX_" + notInVar().ReplaceAllString(strings.ToUpper(index), "_")
	return prefix + "_USERNAME", prefix + "_PASSWORD"
}

// PlanVars works out the variables for the entries, and no files. It never sets a variable to the empty string, since
// to uv an empty variable is set.
func PlanVars(env *regpass.Env, _ Private, entries []Entry, o Options) (Plan, error) {
	var p Plan
	from := map[string]Entry{}
	var several []string
	if o.ByChance {
		several = severalOf(env, entries)
	}
	for _, name := range several {
		p.Notes = append(p.Notes, "env: "+name+" is not set, since it would be one variable for several credentials")
	}
	for _, e := range entries {
		vars, warnings, err := envVars(env, e, o.Sinks)
		if err != nil {
			return Plan{}, err
		}
		if slices.Contains(several, vars[0].Name) {
			continue
		}
		p.Warnings = append(p.Warnings, warnings...)
		if o.ByChance && o.Expands && vars[0].Name == tokenVar {
			p.Notes = append(p.Notes, "env: "+tokenVar+" is not set: npm, pnpm, yarn and bun put a variable wherever the "+
				"checkout's files say, such as into the token of another host; `--to env` sets it")
			continue
		}
		for _, v := range vars {
			if v.Plain == "" && v.Secret.Empty() {
				continue
			}
			if other, twice := from[v.Name]; !twice {
				from[v.Name] = e
				p.Vars = append(p.Vars, v)
			} else if !sameVar(v, p.Vars) {
				err := regpass.Usagef("env: %s and %s would both set %s, to different values", other.Ref, e.Ref, v.Name)
				return Plan{}, regpass.Hintf(err, "use two runs, one for each, %sor a file: netrc, rattler or uv", apart(e))
			}
		}
	}
	return p, nil
}

func sameVar(v Var, among []Var) bool {
	for _, o := range among {
		if o.Name == v.Name {
			return o.Plain == v.Plain && o.Secret.Fingerprint() == v.Secret.Fingerprint()
		}
	}
	return false
}

// tokenVar is the variable for a credential that has no other.
const tokenVar = "REGPASS_TOKEN"

// apart is the part of a hint that says how a name tells the variables of two credentials apart, or empty where it
// would not: a registry's own client, and those of s3, read variables that hold no name.
func apart(e Entry) string {
	if e.ClientVar != "" || e.Cred.Kind == regpass.S3 || e.Cred.Username == "" && e.Cred.Kind != regpass.Basic {
		return ""
	}
	return "give each its own name=INDEX, "
}

// severalOf names the variables that two different credentials would set, each by the first of its credential's.
func severalOf(env *regpass.Env, entries []Entry) (names []string) {
	var first []Var
	for _, e := range entries {
		vars, _, err := envVars(env, e, nil)
		if err != nil {
			continue
		}
		for _, v := range vars {
			set := slices.ContainsFunc(first, func(o Var) bool { return o.Name == v.Name })
			if set && !sameVar(v, first) && !slices.Contains(names, vars[0].Name) {
				names = append(names, vars[0].Name)
			}
		}
		first = append(first, vars...)
	}
	return names
}

// envVars are the variables for one credential. PlanVars leaves out those without a value.
func envVars(env *regpass.Env, e Entry, sinks []string) (vars []Var, warnings []string, err error) {
	c := e.Cred
	if c.Secret.Empty() {
		return nil, nil, fmt.Errorf("env: the credential for %s is empty", c.Host)
	}
	if c.Kind == regpass.S3 {
		if c.SessionToken.Empty() && env.Getenv("AWS_SESSION_TOKEN") != "" {
			warnings = append(warnings, fmt.Sprintf("env: the credential for %s has no session token, "+
				"but AWS_SESSION_TOKEN is set already and belongs to another credential; unset it", c.Host))
		}
		return []Var{
			{Name: "AWS_ACCESS_KEY_ID", Plain: c.Username},
			{Name: "AWS_SECRET_ACCESS_KEY", Secret: c.Secret},
			{Name: "AWS_SESSION_TOKEN", Secret: c.SessionToken},
		}, warnings, nil
	}
	if e.ClientVar != "" {
		vars = append(vars, Var{Name: e.ClientVar, Secret: c.Secret})
	}
	if e.ClientVar == "PREFIX_API_KEY" && !slices.Contains(sinks, "rattler") {
		warnings = append(warnings,
			"env: pixi reads PREFIX_API_KEY only to upload; add the sink rattler to read channels")
	}
	if name, named := e.Ref.Options["name"]; named {
		if !indexName().MatchString(name) {
			return nil, nil, regpass.Usagef("env: registry %s: the index name %s may hold only letters, digits, dots, - and _",
				e.Ref, regpass.Quote(name))
		}
		// uv sends these as Basic authentication, whatever the registry wants.
		if c.Username == "" && c.Kind != regpass.Basic || c.Kind == regpass.CondaToken {
			warnings = append(warnings, fmt.Sprintf("env: uv cannot use UV_INDEX_* for %s, "+
				"since its %s credential has no user name; use the sink uv", e.Ref, c.Kind))
		} else {
			username, password := IndexVars(name)
			vars = append(vars, Var{Name: username, Plain: c.Username}, Var{Name: password, Secret: c.Secret})
		}
	}
	if len(vars) == 0 {
		vars = append(vars, Var{Name: tokenVar, Secret: c.Secret})
		if c.Kind == regpass.Basic { // without its user name the password is useless
			vars = append(vars, Var{Name: "REGPASS_USERNAME", Plain: c.Username})
		}
	}
	return vars, warnings, nil
}
