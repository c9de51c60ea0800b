package sts

import (
	"strings"

	"github.com/regpass/regpass"
)

// accessToken exchanges an API key for a token (uv, crates/uv-auth/src/pyx.rs, get_access_token). The request has no
// body.
func (s *Service) accessToken(c *call) error {
	scheme, raw, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return noCredential.with("send an API key as Bearer")
	}
	presented, err := regpass.ParseToken(raw)
	if err != nil {
		return badCredential.with("the Authorization header holds no API key")
	}
	key := s.findKey(presented, c.now)
	if key == nil {
		return badCredential.with("the API key is unknown or has expired")
	}
	token, made, err := s.mint(c, key.tokenRequest("access-token"))
	if err != nil {
		return err
	}
	return c.json(map[string]any{"access_token": token, "token_type": "Bearer", "expires": made.ExpiresAt.Unix()})
}
