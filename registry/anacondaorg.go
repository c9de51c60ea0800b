package registry

import "github.com/regpass/regpass"

// anacondaOrg is like static, but its variable reaches no other host, and its tokens are part of the URL's path.
var anacondaOrg = Row{
	Name:      "anaconda.org",
	Title:     "anaconda.org, and servers that take its tokens",
	Proven:    "documentation",
	Conda:     true,
	Doc:       "https://pixi.prefix.dev/latest/deployment/authentication/",
	Hosts:     []string{"anaconda.org", "*.anaconda.org"},
	Example:   "https://conda.anaconda.org/acme",
	Match:     func(_ *regpass.Env, ref regpass.Ref) bool { return inDomain(ref.Host, "anaconda.org") },
	Public:    publicChannels,
	Proofs:    []Source{{Method: regpass.APIKey, Vars: anacondaOrgVars}},
	ClientVar: "ANACONDA_API_KEY",
	Options:   keyOptions,
	Open:      openKey(regpass.CondaToken),
}

// anacondaOrgVars are rattler's variable, and those of Anaconda's own client.
var anacondaOrgVars = []string{"ANACONDA_API_KEY", "ANACONDA_API_TOKEN", "BINSTAR_API_TOKEN"}
