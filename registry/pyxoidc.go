package registry

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/regpass/regpass"
)

// trustedPublishing exchanges a CI identity for a token that may upload to one registry.
//
//	GET  /v1/trusted-publishing/audience
//	{"audience": "pyx"}
//	POST /v1/trusted-publishing/{workspace}/{registry}/mint-token   {"token": ID token for that audience}
//	{"token": …, "expires": seconds since 1970}
//
// uv 0.12.5, crates/uv-publish/src/trusted_publishing/pyx.rs; expires: astral-sh/pyx-auth-action 0.0.11, action.py.
func (x pyxRef) trustedPublishing(ctx context.Context, env *regpass.Env, t Target, p Proof) (token, error) {
	audience, err := t.Audience, error(nil)
	if audience == "" {
		if audience, err = x.askAudience(ctx, env, t.Receiver); err != nil {
			return token{}, err
		}
	}
	const op = "pyx: exchange the CI identity to publish"
	var got struct {
		Token   string `json:"token"`
		Expires any    `json:"expires"`
	}
	err = p.withIdentity(ctx, env, "pyx", audience, func(ctx context.Context, id regpass.Identity) error {
		return env.DoJSON(ctx, regpass.Request{Op: op, Method: http.MethodPost,
			URL:  apiURL(t.Receiver, "/v1/trusted-publishing/"+x.workspace+"/"+x.registry+"/mint-token"),
			JSON: map[string]any{"token": id.Token}}, &got)
	})
	if err != nil {
		return token{}, err
	}
	minted, err := newToken(env, op, got.Token)
	if err == nil && minted.expires.IsZero() {
		minted.expires = parseExpiry(env.Now(), got.Expires)
	}
	return minted, err
}

// parseExpiry reads seconds since 1970. It ignores times that are not within a year from now: the unit is not
// documented.
func parseExpiry(now time.Time, seconds any) time.Time {
	f, ok := seconds.(float64)
	if !ok || f < float64(now.Unix()) || f > float64(now.AddDate(1, 0, 0).Unix()) {
		return time.Time{}
	}
	return time.Unix(int64(f), 0).UTC()
}

// audienceText matches an audience that a server may name: it goes into requests, command lines and variable names.
var audienceText = regpass.Pattern(`^[A-Za-z0-9._~:/@-]{1,255}$`)

// askAudience asks which audience an identity for publishing needs. A hostile server could name another server's
// audience and use the identity there, so a server may name only its own.
func (x pyxRef) askAudience(ctx context.Context, env *regpass.Env, api *url.URL) (string, error) {
	const op = "pyx: ask for the audience"
	var got struct {
		Audience string `json:"audience"`
	}
	err := env.Retry(ctx, func(ctx context.Context) error {
		return env.DoJSON(ctx, regpass.Request{Op: op, Method: http.MethodGet,
			URL: apiURL(api, "/v1/trusted-publishing/audience")}, &got)
	})
	if err != nil {
		return "", err
	}
	if !audienceText().MatchString(got.Audience) {
		return "", regpass.Hintf(fmt.Errorf("%s: the answer holds no valid audience (%d bytes)", op, len(got.Audience)),
			"if you know the server's audience, add audience=… to the registry")
	}
	if !x.ownAudience(got.Audience, api) {
		err := fmt.Errorf("%s: %s wants an identity for the audience %s, which is not its own",
			op, api.Host, regpass.Quote(got.Audience))
		return "", regpass.Hintf(err,
			"such an identity could be used elsewhere; if you know that it is right, add audience=… to the registry")
	}
	return got.Audience, nil
}

// ownAudience reports whether an audience is the server's host, a URL on it, or one of pyx's where they are for the
// server.
func (x pyxRef) ownAudience(audience string, api *url.URL) bool {
	if x.shared && (audience == "pyx" || strings.HasPrefix(audience, "pyx:")) {
		return true
	}
	if strings.EqualFold(audience, api.Host) {
		return true
	}
	u, err := url.Parse(audience)
	return err == nil && u.Scheme == api.Scheme && u.User == nil && strings.EqualFold(u.Host, api.Host)
}

// trustedAccess exchanges a CI identity for a token that may read from one workspace.
//
//	POST /v1/trusted-access/{workspace}/mint-token   {"token": ID token for the target's audience}
//	{"token": JWT}
//
// uv, branch ww/ta, crates/uv-auth/src/pyx.rs.
func (x pyxRef) trustedAccess(ctx context.Context, env *regpass.Env, t Target, p Proof) (token, error) {
	if x.workspaceErr != nil {
		return token{}, x.workspaceErr
	}
	const op = "pyx: exchange the CI identity to read"
	var got struct {
		Token string `json:"token"`
	}
	err := p.withIdentity(ctx, env, "pyx", t.Audience, func(ctx context.Context, id regpass.Identity) error {
		return env.DoJSON(ctx, regpass.Request{Op: op, Method: http.MethodPost,
			URL:  apiURL(t.Receiver, "/v1/trusted-access/"+x.workspace+"/mint-token"),
			JSON: map[string]any{"token": id.Token}}, &got)
	})
	if err != nil {
		return token{}, err
	}
	return newToken(env, op, got.Token)
}
