package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/regpass/regpass"
)

var prefixDev = Row{
	Name:      "prefix.dev",
	Title:     "prefix.dev, and servers that speak its protocol",
	Doc:       "https://pixi.prefix.dev/latest/deployment/prefix/",
	Hosts:     []string{"prefix.dev", "*.prefix.dev"},
	Match:     matchPrefixDev,
	KeyVars:   []string{"PREFIX_API_KEY"},
	ClientVar: "PREFIX_API_KEY",
	OIDC:      true,
	Endpoint:  origin,
	Audience:  prefixAudience,
	Exchange:  exchangePrefixDev,
}

// matchPrefixDev is rattler's is_prefix_dev_host (crates/rattler_networking/src/trusted_publishing.rs). A Host with a port
// that is not https's own does not match.
func matchPrefixDev(_ *regpass.Env, ref regpass.Ref) bool { return inDomain(ref.Host, "prefix.dev") }

// prefixAudience is shared by all of *.prefix.dev; beta.prefix.dev refuses its own name. Other servers take theirs,
// without a port (TrustedPublishingOptions there).
func prefixAudience(env *regpass.Env, ref regpass.Ref) string {
	if a := ref.Options["audience"]; a != "" {
		return a
	}
	if matchPrefixDev(env, ref) {
		return "prefix.dev"
	}
	return ref.URL.Hostname()
}

func exchangePrefixDev(ctx context.Context, env *regpass.Env, ref regpass.Ref, p Proof) (regpass.Credential, error) {
	if !ref.Trusted && !matchPrefixDev(env, ref) {
		return regpass.Credential{}, untrusted(ref)
	}
	cred := regpass.Credential{Registry: "prefix.dev", Host: ref.Host, Kind: regpass.Bearer}
	var err error
	switch p.Method {
	case ReadyToken, APIKey:
		cred.Secret, cred.Expires, err = p.ready(env, "prefix.dev")
	case OIDC:
		cred.Secret, cred.Expires, err = mintPrefixToken(ctx, env, ref, p)
	default:
		err = unsupported("prefix.dev", ref, p)
	}
	if err != nil {
		return regpass.Credential{}, err
	}
	return cred, nil
}

// bearerToken is what may stand behind "Bearer " (RFC 6750, section 2.1: b64token).
var bearerToken = regpass.Pattern(`^[A-Za-z0-9._~+/-]+=*\s*$`)

// mintPrefixToken trades a CI identity for a token of the server that ref is on: clients ask the host that they read
// from, so that repo.prefix.dev is asked at repo.prefix.dev.
//
//	POST /api/oidc/mint_token   {"token": ID token for prefix.dev}
//	pfx-jwt.…, as it is
//
// rattler, crates/rattler_networking/src/trusted_publishing.rs, get_publish_token.
func mintPrefixToken(ctx context.Context, env *regpass.Env, ref regpass.Ref, p Proof) (regpass.Secret, time.Time, error) {
	const stage = "prefix.dev: exchange the CI identity"
	server := &url.URL{Scheme: ref.URL.Scheme, Host: ref.URL.Host, Path: "/api/oidc/mint_token"}
	var got []byte
	err := p.present(ctx, env, "prefix.dev", prefixAudience(env, ref), func(ctx context.Context, id regpass.Identity) (err error) {
		got, err = env.Do(ctx, regpass.Request{Op: stage, Method: http.MethodPost, URL: server, JSON: map[string]any{"token": id.Token}})
		return err
	})
	if err != nil {
		return regpass.Secret{}, time.Time{}, err
	}
	if len(got) > 0 && (!bearerToken().Match(got) || json.Valid(got)) { // null is JSON
		return regpass.Secret{}, time.Time{}, fmt.Errorf("%s: the answer (%d bytes) is not a token", stage, len(got))
	}
	token, expires, err := issued(env, stage, string(got))
	if err != nil || !expires.IsZero() {
		return token, expires, err
	}
	// pfx-jwt stands before the payload and the signature, or before a whole JSON Web Token.
	jwt := strings.TrimPrefix(token.Reveal(), "pfx-jwt.")
	if expires, err = lifetime(env, regpass.NewSecret(jwt)); err != nil {
		return regpass.Secret{}, time.Time{}, fmt.Errorf("%s: the answer: %w", stage, err)
	}
	return token, expires, nil
}
