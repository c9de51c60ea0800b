package registry

import (
	"slices"

	"github.com/regpass/regpass"
)

// anacondaCom is Anaconda's own channels: those of repo.anaconda.com everyone may read, those of an organization at
// repo.anaconda.cloud/repo/ORG take the key that conda's plugin takes (anaconda-auth, _conda/auth_handler.py).
var anacondaCom = Row{
	Name:    "anaconda.com",
	Title:   "Anaconda's own channels, and those of an organization there",
	Proven:  "documentation",
	Conda:   true,
	Doc:     "https://github.com/anaconda/anaconda-auth",
	Pages:   []string{"anaconda.com", "www.anaconda.com"},
	Hosts:   anacondaComHosts,
	Example: "https://repo.anaconda.cloud/repo/acme",
	Match: func(_ *regpass.Env, ref regpass.Ref) bool {
		return slices.Contains(anacondaComHosts, ref.Host) && ref.URL.Scheme == "https"
	},
	PublicHosts: []string{"repo.anaconda.com", "repo.continuum.io"}, // named by ordinary projects
	Proofs:      []Source{{Method: regpass.APIKey, Vars: []string{"ANACONDA_AUTH_API_KEY"}}},
	Options:     keyOptions,
	Open:        openKey(regpass.Bearer),
}

var anacondaComHosts = []string{"repo.anaconda.com", "repo.anaconda.cloud", "repo.continuum.io"}
