package registry

import (
	"context"
	"net/http"
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
		audience, err = askAudience(ctx, env, "pyx: ask for the audience",
			apiURL(t.Receiver, "/v1/trusted-publishing/audience"), x.ownAudience)
		if err != nil {
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

// ownAudience reports whether an audience is one of pyx's, where they are for the server.
func (x pyxRef) ownAudience(audience string) bool {
	return x.shared && (audience == "pyx" || strings.HasPrefix(audience, "pyx:"))
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
