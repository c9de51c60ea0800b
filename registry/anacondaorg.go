package registry

import (
	"context"

	"github.com/regpass/regpass"
)

// anacondaOrg is static but for its variable, which must reach no other host, and its tokens in the URL's path.
var anacondaOrg = Row{
	Name:      "anaconda.org",
	Title:     "anaconda.org, and servers that take its tokens",
	Doc:       "https://pixi.prefix.dev/latest/deployment/authentication/",
	Hosts:     []string{"anaconda.org", "*.anaconda.org"},
	Match:     func(_ *regpass.Env, ref regpass.Ref) bool { return inDomain(ref.Host, "anaconda.org") },
	KeyVars:   []string{"ANACONDA_API_KEY"},
	ClientVar: "ANACONDA_API_KEY",
	Options:   []string{"kind", "username"},
	Endpoint:  origin,
	Audience:  noAudience,
	Exchange: func(_ context.Context, env *regpass.Env, ref regpass.Ref, p Proof) (regpass.Credential, error) {
		return keyCredential(env, ref, p, "anaconda.org", regpass.CondaToken)
	},
}
