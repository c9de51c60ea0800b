package sts

import (
	"errors"

	"github.com/regpass/regpass"
)

// maxRefresh is the longest body of a refresh, in bytes: far more than a refresh token.
const maxRefresh = 4 << 10

// refresh exchanges a refresh token for the next pair (uv, crates/uv-auth/src/pyx.rs, refresh_token). A refresh token
// that arrives twice was copied, so the whole login is revoked.
func (s *Service) refresh(c *call) error {
	var in struct {
		Token string `json:"refresh_token"`
	}
	if err := c.body(maxRefresh, &in); err != nil {
		return err
	}
	id, key, next, err := s.refreshTokens.rotate(regpass.NewSecret(in.Token), c.now)
	if errors.Is(err, errUsedRefresh) {
		s.revoke(c, key.subject(), id, c.now.Add(s.cfg.TokenLifetime))
	}
	if err != nil {
		return badCredential.with("the refresh token is not valid; log in again").because("refresh token: %s", err)
	}
	return s.pair(c, key, id, next, "refresh")
}

// pair answers with an access token of a login and its next refresh token.
func (s *Service) pair(c *call, key *apiKey, session string, next regpass.Secret, via string) error {
	p := key.tokenRequest(via)
	p.session = session
	token, made, err := s.mint(c, p)
	if err != nil {
		return err
	}
	return c.json(map[string]any{
		"access_token": token, "refresh_token": next, "token_type": "Bearer", "expires": made.ExpiresAt.Unix(),
	})
}
