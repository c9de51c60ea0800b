package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/regpass/regpass"
)

var prefixDev = Row{
	Name:      "prefix.dev",
	Also:      []string{"prefix"},
	Title:     "prefix.dev, and servers that speak its protocol",
	Proven:    "a strict fake",
	Conda:     true,
	Doc:       "https://pixi.prefix.dev/latest/deployment/prefix/",
	Hosts:     []string{"prefix.dev", "*.prefix.dev"},
	Example:   "https://repo.prefix.dev/acme",
	Match:     matchPrefixDev,
	Public:    publicChannels,
	Proofs:    []Source{{Method: regpass.APIKey, Vars: []string{"PREFIX_API_KEY"}}},
	ClientVar: "PREFIX_API_KEY",
	OIDC:      true,
	Trust:     trustPrefix,
	Open:      openPrefixDev,
}

// publicChannels are conda channels that everyone may read wherever they are served
// (https://prefix.dev/channels, https://anaconda.org/search).
var publicChannels = []string{"bioconda", "conda-forge", "main", "msys2", "nvidia", "pytorch", "r", "rapidsai",
	"robostack-staging"}

// matchPrefixDev is rattler's is_prefix_dev_host (crates/rattler_networking/src/trusted_publishing.rs). A Host with a
// port other than https's own does not match.
func matchPrefixDev(_ *regpass.Env, ref regpass.Ref) bool { return inDomain(ref.Host, "prefix.dev") }

// prefixRef is a server that speaks prefix.dev's protocol.
type prefixRef struct{}

// openPrefixDev knows the audience: all hosts of *.prefix.dev share one, and beta.prefix.dev refuses its own name.
// Other servers take their host name, without a port (TrustedPublishingOptions there).
func openPrefixDev(env *regpass.Env, ref regpass.Ref) (Target, error) {
	t := Target{Audience: ref.Options["audience"], exchanger: prefixRef{}}
	switch {
	case t.Audience != "":
	case matchPrefixDev(env, ref):
		t.Audience = "prefix.dev"
	default:
		t.Audience = ref.URL.Hostname()
	}
	return t, nil
}

func (prefixRef) exchange(ctx context.Context, env *regpass.Env, t Target, p Proof) (regpass.Credential, error) {
	var got token
	var err error
	switch p.Method {
	case regpass.ReadyToken, regpass.APIKey:
		got, err = p.readyToken(env, "prefix.dev")
	case regpass.OIDC:
		got, err = mintPrefixToken(ctx, env, t, p)
	default:
		err = t.unsupported(p)
	}
	if err != nil {
		return regpass.Credential{}, err
	}
	return regpass.Credential{Kind: regpass.Bearer, Secret: got.secret, Expires: got.expires}, nil
}

// bearerToken matches the token after "Bearer " (RFC 6750, section 2.1: b64token).
var bearerToken = regpass.Pattern(`^[A-Za-z0-9._~+/-]+=*\s*$`)

// mintPrefixToken exchanges a CI identity for a token of the ref's own server: clients ask the host that they read
// from, so for repo.prefix.dev it is repo.prefix.dev.
//
//	POST /api/oidc/mint_token   {"token": ID token for prefix.dev}
//	pfx-jwt.…, as it is
//
// rattler, crates/rattler_networking/src/trusted_publishing.rs, get_publish_token.
func mintPrefixToken(ctx context.Context, env *regpass.Env, t Target, p Proof) (token, error) {
	const op = "prefix.dev: exchange the CI identity"
	var got []byte
	request := regpass.Request{Op: op, Method: http.MethodPost, URL: apiURL(t.Receiver, "/api/oidc/mint_token")}
	err := p.withIdentity(ctx, env, "prefix.dev", t.Audience, func(ctx context.Context, id regpass.Identity) (err error) {
		request.JSON = map[string]any{"token": id.Token}
		got, err = env.Do(ctx, request)
		return err
	})
	if err != nil {
		return token{}, err
	}
	if len(got) > 0 && (!bearerToken().Match(got) || json.Valid(got)) { // null is JSON
		return token{}, fmt.Errorf("%s: the answer (%d bytes) is not a token", op, len(got))
	}
	minted, err := newToken(env, op, string(got))
	if err != nil || !minted.expires.IsZero() {
		return minted, err
	}
	// pfx-jwt. stands before the payload and the signature, or before a whole JSON Web Token.
	jwt := strings.TrimPrefix(minted.secret.Reveal(), "pfx-jwt.")
	if minted.expires, err = expiry(env, regpass.NewSecret(jwt)); err != nil {
		return token{}, fmt.Errorf("%s: the answer: %w", op, err)
	}
	return minted, nil
}
