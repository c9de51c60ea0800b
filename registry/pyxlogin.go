package registry

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/regpass/regpass"
)

// How long a person has to log in: uv asks once a second, 60 times (crates/uv/src/commands/auth/login.rs, 0.12.5).
const (
	pyxPolls        = 60
	pyxPollInterval = time.Second

	pyxLoginTimeout = pyxPolls*pyxPollInterval + 5*time.Second // a server may be slow to answer
)

// loginPyx lets a person log in.
//
//	browser: GET /auth/cli/login/{session}
//	we:      GET /auth/cli/status/{session}, every second
//	404: not yet; {"access_token": JWT, "refresh_token": …}
//
// uv 0.12.5, crates/uv/src/commands/auth/login.rs.
func loginPyx(ctx context.Context, env *regpass.Env, api *url.URL) (token, error) {
	if !env.Terminal {
		return token{}, regpass.Hintf(regpass.NoIdentityf("pyx: log in: there is nobody at a terminal to open a browser"),
			"set PYX_API_KEY or PYX_AUTH_TOKEN, or give the CI job an identity (id-token: write)")
	}
	ctx, cancel := context.WithTimeout(ctx, pyxLoginTimeout)
	defer cancel()
	session := newLoginSession()
	page := apiURL(api, "/auth/cli/login/"+session)
	if err := regpass.CheckEndpoint(page); err != nil {
		return token{}, fmt.Errorf("pyx: log in: %w", err)
	}
	if env.OpenBrowser == nil || env.OpenBrowser(ctx, page.String()) != nil {
		fmt.Fprintf(env.Stderr, "regpass: open this page in your browser: %s\n", page)
	}
	// Whoever knows the session can pick up its tokens. The person had to see it, but no error may show it again.
	env.Mask(regpass.NewSecret(session))

	const op = "pyx: log in"
	var got pyxTokens
	for n := 0; ; n++ {
		err := env.Retry(ctx, func(ctx context.Context) error {
			return env.DoJSON(ctx, regpass.Request{Op: op, Method: http.MethodGet,
				URL: apiURL(api, "/auth/cli/status/"+session)}, &got)
		})
		if err == nil {
			break
		}
		if status(err) != http.StatusNotFound {
			return token{}, redactedError{err, session}
		}
		if n == pyxPolls-1 {
			return token{}, regpass.Hintf(fmt.Errorf("%s: nobody logged in within %s", op, pyxPolls*pyxPollInterval),
				"try again")
		}
		if err := env.Wait(ctx, pyxPollInterval); err != nil {
			return token{}, fmt.Errorf("%s: %w", op, err)
		}
	}
	return got.token(env, op)
}

// redactedError is an error that shows "…" in place of a secret word.
type redactedError struct {
	error
	secret string
}

func (e redactedError) Error() string { return strings.ReplaceAll(e.error.Error(), e.secret, "…") }
func (e redactedError) Unwrap() error { return e.error }

// newLoginSession makes a random UUID (RFC 9562, version 4).
func newLoginSession() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// revokePyx ends a token.
//
//	GET /auth/cli/logout   Authorization: Bearer JWT
//
// 401 means that it had ended already. uv 0.12.5, crates/uv/src/commands/auth/logout.rs.
func revokePyx(ctx context.Context, env *regpass.Env, api *url.URL, cred regpass.Credential) error {
	if !cred.Expires.IsZero() && !cred.Expires.After(env.Now()) {
		return nil
	}
	err := env.Retry(ctx, func(ctx context.Context) error {
		_, err := env.Do(ctx, regpass.Request{Op: "pyx: log out", Method: http.MethodGet,
			URL: apiURL(api, "/auth/cli/logout"), Bearer: cred.Secret})
		return err
	})
	if status(err) == http.StatusUnauthorized {
		return nil
	}
	return err
}
