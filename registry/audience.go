package registry

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/regpass/regpass"
)

// audienceText matches an audience that a server may name: it goes into requests, command lines and variable names.
var audienceText = regpass.Pattern(`^[A-Za-z0-9._~:/@-]{1,255}$`)

// askAudience asks a server which audience an identity for publishing needs.
//
//	GET …   {"audience": …}
//
// A hostile server could name another server's audience and use the identity there, so a server may name only its own.
func askAudience(ctx context.Context, env *regpass.Env, op string, at *url.URL, own func(string) bool) (string, error) {
	var got struct {
		Audience string `json:"audience"`
	}
	err := env.Retry(ctx, func(ctx context.Context) error {
		return env.DoJSON(ctx, regpass.Request{Op: op, Method: http.MethodGet, URL: at}, &got)
	})
	if err != nil {
		return "", err
	}
	if !audienceText().MatchString(got.Audience) {
		return "", regpass.Hintf(fmt.Errorf("%s: the answer holds no valid audience (%d bytes)", op, len(got.Audience)),
			"if you know the server's audience, add audience=… to the registry")
	}
	if !own(got.Audience) && !isOrigin(got.Audience, at) {
		err := fmt.Errorf("%s: %s wants an identity for the audience %s, which is not its own",
			op, at.Host, regpass.Quote(got.Audience))
		return "", regpass.Hintf(err,
			"such an identity could be used elsewhere; if you know that it is right, add audience=… to the registry")
	}
	return got.Audience, nil
}

// isOrigin reports whether an audience is the server's host, or a URL on it.
func isOrigin(audience string, server *url.URL) bool {
	if strings.EqualFold(audience, server.Host) {
		return true
	}
	u, err := url.Parse(audience)
	return err == nil && u.Scheme == server.Scheme && u.User == nil && strings.EqualFold(u.Host, server.Host)
}
