package registry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/regpass/regpass"
)

// pyx speaks the protocol of Astral's registry as uv 0.8.15 to 0.12.5 does. That service has ended; `regpass serve`
// and others speak it on.
var pyx = Row{
	Name:      "pyx",
	Title:     "pyx, and servers that speak its protocol",
	Doc:       "https://docs.pyx.dev/authentication",
	Hosts:     []string{"pyx.dev", "api.pyx.dev", "*.astralhosted.com", "the host of PYX_API_URL", "*.PYX_CDN_DOMAIN"},
	Match:     matchPyx,
	TokenVars: []string{"PYX_AUTH_TOKEN", "UV_AUTH_TOKEN"},
	KeyVars:   []string{"PYX_API_KEY", "UV_API_KEY"},
	ClientVar: "PYX_AUTH_TOKEN",
	Username:  pyxUsername,
	Options:   []string{"workspace"},
	OIDC:      true,
	Trades:    true,
	Endpoint:  pyxAPI,
	Scope:     pyxScope,
	Audience:  pyxAudience,
	Exchange:  exchangePyx,
	Login:     loginPyx,
	Revoke:    revokePyx,
}

// pyxUsername is what clients without Bearer send with a token (docs.pyx.dev).
const pyxUsername = "__token__"

// pyxReadAudience is the audience of Trusted Access, which has no endpoint to ask for it.
const pyxReadAudience = "pyx:trusted-access"

func pyxAudience(_ *regpass.Env, ref regpass.Ref) string {
	if a := ref.Options["audience"]; a != "" {
		return a
	}
	if _, _, publish := pyxPublishURL(ref); publish {
		return "" // the server says
	}
	return pyxReadAudience
}

func exchangePyx(ctx context.Context, env *regpass.Env, ref regpass.Ref, p Proof) (regpass.Credential, error) {
	if !ref.Trusted && !matchPyx(env, ref) {
		return regpass.Credential{}, untrusted(ref)
	}
	api, err := pyxAPI(env, ref)
	if err != nil {
		return regpass.Credential{}, err
	}
	cred := regpass.Credential{Registry: "pyx", Host: pyxHost(api, ref), Kind: regpass.Bearer, Username: pyxUsername}
	switch p.Method {
	case ReadyToken:
		cred.Secret, cred.Expires, err = p.ready(env, "pyx")
	case APIKey:
		cred.Secret, cred.Expires, err = tradePyxKey(ctx, env, api, p)
	case Refresh:
		err = refreshPyx(ctx, env, api, p, &cred)
	case OIDC:
		if workspace, registry, publish := pyxPublishURL(ref); publish {
			cred.Secret, cred.Expires, err = trustedPublishing(ctx, env, api, ref, p, workspace, registry)
		} else {
			cred.Secret, cred.Expires, err = trustedAccess(ctx, env, api, ref, p)
		}
	case Browser:
		return loginPyx(ctx, env, ref)
	default:
		err = unsupported("pyx", ref, p)
	}
	if err != nil {
		return regpass.Credential{}, err
	}
	return cred, nil
}

// pyxTokens is how pyx answers.
type pyxTokens struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
}

// tradePyxKey trades an API key for a token of an hour.
//
//	POST /auth/cli/access-token   Authorization: Bearer KEY, no body
//	{"access_token": JWT}
//
// uv 0.12.5, crates/uv-auth/src/pyx.rs, bootstrap.
func tradePyxKey(ctx context.Context, env *regpass.Env, api *url.URL, p Proof) (regpass.Secret, time.Time, error) {
	key, err := p.token("pyx")
	if err != nil {
		return regpass.Secret{}, time.Time{}, err
	}
	stage := "pyx: exchange the API key from " + p.From
	var got pyxTokens
	err = env.Retry(ctx, func(ctx context.Context) error {
		return env.DoJSON(ctx, regpass.Request{Op: stage, Method: http.MethodPost, URL: at(api, "/auth/cli/access-token"), Bearer: key}, &got)
	})
	if s := status(err); s == http.StatusUnauthorized || s == http.StatusForbidden {
		err = regpass.Hintf(fmt.Errorf("%w: the key was refused", err), "check %s: the key may be of another registry, or over", p.From)
	}
	if err != nil {
		return regpass.Secret{}, time.Time{}, err
	}
	return issued(env, stage, got.AccessToken)
}

// refreshPyx trades a refresh token for a token and the next refresh token.
//
//	POST /auth/cli/refresh   {"refresh_token": …}
//	{"access_token": JWT, "refresh_token": …}
//
// uv 0.12.5, crates/uv-auth/src/pyx.rs, refresh. A refresh token works once, so a request that the server may have
// acted on is not repeated: the answer that was lost held the next one, and a second use can end the whole session
// (RFC 9700, section 4.14).
func refreshPyx(ctx context.Context, env *regpass.Env, api *url.URL, p Proof, cred *regpass.Credential) error {
	const stage = "pyx: exchange the refresh token"
	token, err := p.token("pyx")
	if err != nil {
		return err
	}
	var got pyxTokens
	var lost error
	err = env.Retry(ctx, func(ctx context.Context) error {
		err := env.DoJSON(ctx, regpass.Request{Op: stage, Method: http.MethodPost, URL: at(api, "/auth/cli/refresh"),
			JSON: map[string]any{"refresh_token": token}}, &got)
		if err != nil && !unprocessed(err) {
			lost = err
			return nil
		}
		return err
	})
	if lost != nil {
		return regpass.Hintf(lost, "a refresh token works once: log in again")
	}
	if err != nil {
		return err
	}
	return pyxLoggedIn(env, stage, got, cred)
}

// unprocessed reports whether err says that the server did not act on the request: it was not connected to, or it
// answered 425, 429 or 503 (RFC 8470, section 5.2; RFC 6585, section 4; RFC 9110, section 15.6.4). 502 and 504 come from
// a proxy that cannot know, and 408 from one that may have passed the request on.
func unprocessed(err error) bool {
	switch status(err) {
	case http.StatusTooEarly, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return true
	}
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// pyxLoggedIn reads both tokens into cred.
func pyxLoggedIn(env *regpass.Env, stage string, got pyxTokens, cred *regpass.Credential) (err error) {
	if cred.Secret, cred.Expires, err = issued(env, stage, got.AccessToken); err != nil {
		return err
	}
	if cred.Refresh, err = regpass.ParseToken(got.RefreshToken); err != nil {
		return fmt.Errorf("%s: the answer: its refresh token: %w", stage, err)
	}
	env.Mask(cred.Refresh)
	return nil
}
