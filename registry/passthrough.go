package registry

import (
	"cmp"
	"context"

	"github.com/regpass/regpass"
)

// passthrough is any server that takes the job's ID token itself, and verifies it.
var passthrough = Row{
	Name:    "passthrough",
	Title:   "any server that takes the ID token itself",
	Proven:  "documentation",
	Doc:     "https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation",
	Hosts:   []string{"any host, with type=passthrough"},
	Example: "https://pkgs.example/simple/ type=passthrough audience=https://pkgs.example username=ci",
	Match:   func(*regpass.Env, regpass.Ref) bool { return false },
	Options: []Option{{Name: "username", Doc: "user name to send with the token"}, bearerOrBasic},
	OIDC:    true,
	Trust:   trustPassthrough,
	Open: func(_ *regpass.Env, ref regpass.Ref) (Target, error) {
		return Target{Scope: scopeOf(ref), Audience: cmp.Or(ref.Options["audience"], origin(ref).String()),
			exchanger: passthroughRef{}}, nil
	},
}

// passthroughRef is a server that takes ID tokens.
type passthroughRef struct{}

// exchange makes the identity the credential, without a request to the server.
func (passthroughRef) exchange(ctx context.Context, env *regpass.Env, t Target, p Proof) (regpass.Credential, error) {
	if p.Method != regpass.OIDC {
		return regpass.Credential{}, t.unsupported(p)
	}
	var got token
	err := p.withIdentity(ctx, env, "passthrough", t.Audience, func(_ context.Context, id regpass.Identity) (err error) {
		got, err = newToken(env, "passthrough: get the CI identity", id.Token.Reveal())
		return err
	})
	if err != nil {
		return regpass.Credential{}, err
	}
	return t.present(got, "")
}

func trustPassthrough(_ *regpass.Env, t Target, j Job) (Trust, error) {
	trust, err := trustOAuth("the OpenID Connect settings")(nil, t, j)
	trust.Notes = append(trust.Notes, "The server must verify the signature by the issuer's keys, and exp.",
		"Each request of the build shows the ID token, which ends when the CI system says.")
	return trust, err
}
