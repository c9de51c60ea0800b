package clients

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// planPoetry sets the variables of the sources that the project's files name
// (https://python-poetry.org/docs/repositories/#configuring-credentials). poetry reads them once, and they beat the
// netrc, which it reads for every request: so they are for what a netrc cannot carry.
func planPoetry(_ *regpass.Env, _ envsync.Private, entries []envsync.Entry, o envsync.Options) (envsync.Plan, error) {
	var p envsync.Plan
	named := envsync.ByName("poetry", o.Names, entries)
	if len(named) == 0 {
		err := regpass.Usagef("poetry: no source in the project's pyproject.toml is one of the registries")
		return p, regpass.Hintf(err, "add it with `poetry source add`, or use the sink netrc")
	}
	from := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		key, err := poetryKey(name)
		if err != nil {
			return envsync.Plan{}, err
		}
		if other, twice := from[key]; twice {
			return envsync.Plan{}, regpass.Usagef("poetry: the sources %s and %s have the same variables",
				regpass.Quote(other), regpass.Quote(name))
		}
		from[key] = name
		c := named[name].Cred
		switch {
		case c.Kind != regpass.Basic && c.Kind != regpass.Bearer, c.Username == "":
			return envsync.Plan{}, fmt.Errorf("poetry: %s: its %s credential has no user name, and poetry takes none without",
				named[name].Ref, c.Kind)
		case strings.Contains(key, ".") && o.Command == nil:
			err := fmt.Errorf("poetry: no shell can export the variable of the source %s, for its dot", regpass.Quote(name))
			return envsync.Plan{}, regpass.Hintf(err, "use `regpass exec --to poetry -- poetry …`, or name the source anew")
		}
		if err := envsync.CheckPrintable(c.Secret.Reveal()); err != nil {
			return envsync.Plan{}, fmt.Errorf("poetry: %s: the secret %w", named[name].Ref, err)
		}
		prefix := "POETRY_HTTP_BASIC_" + key
		p.Vars = append(p.Vars, envsync.Var{Name: prefix + "_USERNAME", Plain: c.Username},
			envsync.Var{Name: prefix + "_PASSWORD", Secret: c.Secret})
	}
	return p, nil
}

// poetryName matches the names of sources that a variable can hold. A dot stays a dot.
var poetryName = regpass.Pattern(`^[A-Za-z0-9._-]+$`)

// poetryKey is a source's or a server's name in the names of variables (poetry/config/config.py, Config.get).
func poetryKey(name string) (string, error) {
	if !poetryName().MatchString(name) {
		return "", regpass.Usagef("poetry: no variable can have the name %s", regpass.Quote(name))
	}
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_")), nil
}
