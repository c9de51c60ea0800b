package registry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"github.com/regpass/regpass"
)

// pyx speaks the protocol of Astral's registry as uv 0.8.15 to 0.12.5 does. That service has ended, but `regpass serve`
// and other servers still speak it.
var pyx = Row{
	Name:   "pyx",
	Also:   []string{"regpass", "serve"},
	Title:  "pyx, and servers that speak its protocol",
	Proven: "uv, with `regpass serve` and a strict fake",
	Doc:    "https://docs.pyx.dev/authentication",
	Hosts: []string{"pyx.dev", "api.pyx.dev", "the host of PYX_API_URL", "*.PYX_CDN_DOMAIN",
		"*.astralhosted.com unless one of the two is set"},
	Example: "https://api.pyx.dev/simple/acme/main",
	Match:   matchPyx,
	Proofs: []Source{
		{Method: regpass.ReadyToken, Vars: []string{"PYX_AUTH_TOKEN", "UV_AUTH_TOKEN"}},
		{Method: regpass.APIKey, Vars: []string{"PYX_API_KEY", "UV_API_KEY"}},
	},
	ClientVar: "PYX_AUTH_TOKEN",
	Options: []Option{{Name: "workspace", FromCheckout: true,
		Doc: "workspace that a CI identity may read, if the URL does not name it"}},
	Runs:      "`regpass serve`",
	OIDC:      true,
	Exchanges: true,
	Browser:   true,
	Trust:     trustPyx,
	Open:      openPyx,
	Revoke:    revokePyx,
}

// pyxUsername is the user name that clients without Bearer send with a token (docs.pyx.dev).
const pyxUsername = "__token__"

// pyxReadAudience is the audience of Trusted Access at pyx itself and at the server of PYX_API_URL. It is fixed: no
// endpoint names it. Any other server that speaks the protocol has its host, with a port unless it is the scheme's, for
// an audience: an identity for all of them could be traded by one at another.
const pyxReadAudience = "pyx:trusted-access"

func (x pyxRef) exchange(ctx context.Context, env *regpass.Env, t Target, p Proof) (regpass.Credential, error) {
	var got token
	var err error
	switch {
	case p.Method == regpass.ReadyToken:
		got, err = p.readyToken(env, "pyx")
	case p.Method == regpass.APIKey:
		got, err = exchangePyxKey(ctx, env, t.Receiver, p)
	case p.Method == regpass.Refresh:
		got, err = refreshPyx(ctx, env, t.Receiver, p)
	case p.Method == regpass.Browser:
		got, err = loginPyx(ctx, env, t.Receiver)
	case p.Method == regpass.OIDC && x.publish:
		got, err = x.trustedPublishing(ctx, env, t, p)
	case p.Method == regpass.OIDC:
		got, err = x.trustedAccess(ctx, env, t, p)
	default:
		err = t.unsupported(p)
	}
	if err != nil {
		return regpass.Credential{}, err
	}
	return regpass.Credential{Kind: regpass.Bearer, Username: pyxUsername,
		Secret: got.secret, Refresh: got.refresh, Expires: got.expires}, nil
}

// pyxTokens is pyx's response to a key, a refresh token and a login.
type pyxTokens struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
}

// exchangePyxKey exchanges an API key for a token of an hour.
//
//	POST /auth/cli/access-token   Authorization: Bearer KEY, no body
//	{"access_token": JWT}
//
// uv 0.12.5, crates/uv-auth/src/pyx.rs, bootstrap.
func exchangePyxKey(ctx context.Context, env *regpass.Env, api *url.URL, p Proof) (token, error) {
	key, err := p.secret("pyx")
	if err != nil {
		return token{}, err
	}
	op := "pyx: exchange the API key from " + p.From
	var got pyxTokens
	err = env.Retry(ctx, func(ctx context.Context) error {
		return env.DoJSON(ctx, regpass.Request{Op: op, Method: http.MethodPost,
			URL: apiURL(api, "/auth/cli/access-token"), Bearer: key}, &got)
	})
	if s := status(err); s == http.StatusUnauthorized || s == http.StatusForbidden {
		err = regpass.Hintf(fmt.Errorf("%w: the key was refused", err),
			"check %s: the key may belong to another registry, or it may have expired", p.From)
	}
	if err != nil {
		return token{}, err
	}
	return newToken(env, op, got.AccessToken)
}

// refreshPyx exchanges a refresh token for a token and the next refresh token.
//
//	POST /auth/cli/refresh   {"refresh_token": …}
//	{"access_token": JWT, "refresh_token": …}
//
// uv 0.12.5, crates/uv-auth/src/pyx.rs, refresh. A refresh token works once. So a request that the server may have
// processed is not sent again: the lost response held the next refresh token, and a second use of this one can end the
// whole session (RFC 9700, section 4.14).
func refreshPyx(ctx context.Context, env *regpass.Env, api *url.URL, p Proof) (token, error) {
	const op = "pyx: exchange the refresh token"
	secret, err := p.secret("pyx")
	if err != nil {
		return token{}, err
	}
	var got pyxTokens
	var lost error
	err = env.Retry(ctx, func(ctx context.Context) error {
		err := env.DoJSON(ctx, regpass.Request{Op: op, Method: http.MethodPost, URL: apiURL(api, "/auth/cli/refresh"),
			JSON: map[string]any{"refresh_token": secret}}, &got)
		if err != nil && !unprocessed(err) {
			lost = err
			return nil
		}
		return err
	})
	if lost != nil {
		return token{}, regpass.Hintf(lost, "a refresh token works once: log in again")
	}
	if err != nil {
		return token{}, err
	}
	return got.token(env, op)
}

// unprocessed reports whether the server certainly did not process the request: the connection failed, or it answered
// 425, 429 or 503 (RFC 8470, section 5.2; RFC 6585, section 4; RFC 9110, section 15.6.4). 502 and 504 come from a proxy
// that cannot know, and 408 may come from one that has passed the request on.
func unprocessed(err error) bool {
	switch status(err) {
	case http.StatusTooEarly, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return true
	}
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// token reads both tokens of a response.
func (got pyxTokens) token(env *regpass.Env, op string) (token, error) {
	t, err := newToken(env, op, got.AccessToken)
	if err != nil {
		return token{}, err
	}
	if t.refresh, err = regpass.ParseMinted(got.RefreshToken); err != nil {
		return token{}, fmt.Errorf("%s: the answer: its refresh token: %w", op, err)
	}
	env.Mask(t.refresh)
	return t, nil
}
