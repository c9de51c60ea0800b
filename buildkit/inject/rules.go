package inject

import (
	"path"
	"regexp"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/secret"
)

// Rule lists the variables that a package client reads, and so the secrets for a step that runs it.
type Rule struct {
	Client  string                // its name in reports
	Command func() *regexp.Regexp // matches its name, without folders
	Module  func() *regexp.Regexp // matches the name under which `python -m` runs it; nil: Command does
	// Reads are patterns (path.Match) of variables that hold a credential, or the path of a file with credentials.
	Reads []string
}

// The variables that the clients read. pip, Poetry, PDM and conda use requests, and requests reads NETRC
// (requests.utils.get_netrc_auth). UV_INDEX_<NAME>_PASSWORD is not here: uv sends it to the URL that the project gives
// the index of that name, and the file in UV_CREDENTIALS_DIR is bound to a host.
var (
	readsNetrc = []string{"NETRC"}
	readsUV    = []string{"PYX_AUTH_TOKEN", "UV_CREDENTIALS_DIR", "NETRC"}
	readsConda = []string{"RATTLER_AUTH_FILE", "NETRC"}
	readsNpm   = []string{"NPM_CONFIG_USERCONFIG"}
)

// Rules are the clients, in the order to show them.
var Rules = []Rule{
	{"uv", regpass.Pattern(`^uvx?$`), nil, readsUV},
	{"pip", regpass.Pattern(`^pip[0-9.]*$`), nil, readsNetrc},
	{"pip-tools", regpass.Pattern(`^pip-(compile|sync)$`), regpass.Pattern(`^piptools$`), readsNetrc},
	{"pipenv", regpass.Pattern(`^pipenv$`), nil, readsNetrc},
	{"pipx", regpass.Pattern(`^pipx$`), nil, readsUV}, // installs with uv if it finds it
	{"poetry", regpass.Pattern(`^poetry$`), nil, readsNetrc},
	{"pdm", regpass.Pattern(`^pdm$`), nil, readsUV},     // resolves with uv if it is told to
	{"hatch", regpass.Pattern(`^hatch$`), nil, readsUV}, // installs with pip or uv
	// gets build requirements with pip or uv
	{"build", regpass.Pattern(`^pyproject-build$`), regpass.Pattern(`^build$`), readsUV},
	{"pixi", regpass.Pattern(`^pixi$`), nil, readsConda},
	{"conda", regpass.Pattern(`^conda$`), nil, readsNetrc},
	{"mamba", regpass.Pattern(`^(micro)?mamba$`), nil, readsNetrc},
	{"rattler-build", regpass.Pattern(`^rattler-build$`), nil,
		[]string{"RATTLER_AUTH_FILE", "NETRC", "PREFIX_API_KEY", "ANACONDA_API_KEY"}},
	{"npm", regpass.Pattern(`^(npm|npx)$`), nil, readsNpm},
	{"pnpm", regpass.Pattern(`^pnp[mx]$`), nil, readsNpm},
	{"yarn", regpass.Pattern(`^yarn(pkg)?$`), nil, readsNpm}, // 1; later ones read no .npmrc
	{"bun", regpass.Pattern(`^bunx?$`), nil, readsNpm},
	{"go", regpass.Pattern(`^go$`), nil, readsNetrc}, // its hosts have ports (https://pkg.go.dev/cmd/go, GOAUTH)
}

// commandRule returns the rule for the command of that name.
func commandRule(name string) (Rule, bool) {
	for _, r := range Rules {
		if r.Command().MatchString(name) {
			return r, true
		}
	}
	return Rule{}, false
}

// moduleRule returns the rule for the Python module of that name.
func moduleRule(name string) (Rule, bool) {
	for _, r := range Rules {
		if r.Module != nil && r.Module().MatchString(name) || r.Module == nil && r.Command().MatchString(name) {
			return r, true
		}
	}
	return Rule{}, false
}

// wants reports whether the client reads the secret by itself once it is mounted.
func (r Rule) wants(s secret.Secret) bool {
	for _, pattern := range r.Reads {
		for _, name := range []string{s.Env, s.Var} {
			if ok, err := path.Match(pattern, name); ok && err == nil {
				return true
			}
		}
	}
	return false
}
