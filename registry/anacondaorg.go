package registry

import "github.com/regpass/regpass"

// anacondaOrg is like static, but its variable reaches no other host, and its tokens are part of the URL's path.
var anacondaOrg = Row{
	Name:      "anaconda.org",
	Title:     "anaconda.org, and servers that take its tokens",
	Conda:     true,
	Doc:       "https://pixi.prefix.dev/latest/deployment/authentication/",
	Hosts:     []string{"anaconda.org", "*.anaconda.org"},
	Example:   "https://conda.anaconda.org/acme",
	Match:     func(_ *regpass.Env, ref regpass.Ref) bool { return inDomain(ref.Host, "anaconda.org") },
	Public:    publicChannels,
	Proofs:    []Source{{Method: regpass.APIKey, Vars: []string{"ANACONDA_API_KEY"}}},
	ClientVar: "ANACONDA_API_KEY",
	Options:   keyOptions,
	Open:      openKey(regpass.CondaToken),
}
