package clients

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// The sinks below set what makes a client start one of our helpers.

// program is the path of a helper's link.
func program(private envsync.Private, name string) string { return filepath.Join(private.Bin, name) }

// planKeyring makes pip and uv ask `keyring` on PATH, and pip ask nobody at the terminal
// (https://pip.pypa.io/en/stable/topics/authentication/#keyring-support).
func planKeyring(*regpass.Env, envsync.Private, []envsync.Entry, envsync.Options) (envsync.Plan, error) {
	return envsync.Plan{Vars: []envsync.Var{
		{Name: "PIP_KEYRING_PROVIDER", Plain: "subprocess"},
		{Name: "PIP_NO_INPUT", Plain: "1"},
		{Name: "UV_KEYRING_PROVIDER", Plain: "subprocess"},
	}}, nil
}

// planGo makes go ask our helper, before what GOAUTH says already (https://pkg.go.dev/cmd/go, GOAUTH). go splits the
// value at semicolons and blanks, and takes a word in quotes as one.
func planGo(env *regpass.Env, private envsync.Private, entries []envsync.Entry, _ envsync.Options) (
	envsync.Plan, error) {
	path := program(private, "goauth-regpass")
	if strings.ContainsAny(path, `'";`) {
		return envsync.Plan{}, fmt.Errorf("go: GOAUTH cannot hold the path %s", regpass.Quote(path))
	}
	value := "'" + path + "'"
	switch was := env.Getenv("GOAUTH"); was {
	case "":
		value += "; netrc" // go's own default
	case "off":
	default:
		value += "; " + was
	}
	p := envsync.Plan{Vars: []envsync.Var{{Name: "GOAUTH", Plain: value}}}
	if e, ok := proxied(env, entries); ok && !knowsPrivate(env) {
		p.Notes = append(p.Notes, fmt.Sprintf("go: the names of the modules of %s are asked of the public checksum "+
			"database; set GONOSUMDB or GOPRIVATE to those that are private, such as GONOSUMDB=corp.example/*", e.Cred.Host))
	}
	return p, nil
}

// proxied is the credential of a module proxy that GOPROXY names.
func proxied(env *regpass.Env, entries []envsync.Entry) (envsync.Entry, bool) {
	for word := range strings.FieldsFuncSeq(env.Getenv("GOPROXY"), func(r rune) bool { return r == ',' || r == '|' }) {
		ref, err := regpass.ParseRef(strings.TrimSpace(word))
		if err != nil || ref.Bare {
			continue
		}
		i := slices.IndexFunc(entries, func(e envsync.Entry) bool { return e.Cred.Host == ref.Host })
		if i >= 0 {
			return entries[i], true
		}
	}
	return envsync.Entry{}, false
}

// knowsPrivate reports whether go is told which modules are private, or to ask no public checksum database
// (https://go.dev/ref/mod#private-modules).
func knowsPrivate(env *regpass.Env) bool {
	sums := env.Getenv("GOSUMDB")
	return env.Getenv("GOPRIVATE") != "" || env.Getenv("GONOSUMDB") != "" || sums != "" && sums != "sum.golang.org"
}

// planCargo names our helper as the provider of each registry that the project's files name, whose own providers count
// no more, and as one of those of all registries, of which cargo asks the last first
// (https://doc.rust-lang.org/cargo/reference/registry-authentication.html). cargo splits the value at blanks.
func planCargo(env *regpass.Env, private envsync.Private, entries []envsync.Entry, o envsync.Options) (
	envsync.Plan, error) {
	path := program(private, "cargo-credential-regpass")
	if strings.ContainsAny(path, " \t") {
		return envsync.Plan{}, fmt.Errorf("cargo: no variable can hold the path %s, for its blank", regpass.Quote(path))
	}
	const all = "CARGO_REGISTRY_GLOBAL_CREDENTIAL_PROVIDERS"
	others := cmp.Or(env.Getenv(all), "cargo:token") // cargo's own default
	p := envsync.Plan{Vars: []envsync.Var{{Name: all, Plain: others + " " + path}}}
	named := envsync.ByName("cargo", o.Names, entries)
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if !cargoName().MatchString(name) {
			continue // it has no variable, and = would end another one's name
		}
		p.Vars = append(p.Vars, envsync.Var{Name: cargoVar(name) + "_CREDENTIAL_PROVIDER", Plain: path})
	}
	return p, nil
}

// cargoName matches the names that cargo takes for a registry.
var cargoName = regpass.Pattern(`^[A-Za-z0-9_-]+$`)

// cargoVar begins the names of the variables of a registry.
func cargoVar(registry string) string {
	return "CARGO_REGISTRIES_" + strings.ToUpper(strings.ReplaceAll(registry, "-", "_"))
}
