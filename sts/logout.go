package sts

import "time"

// revoke refuses tokens with this jti or sid until they would have expired anyway.
func (s *Service) revoke(c *call, id string, until time.Time) error {
	if s.revoked.set(id, struct{}{}, until, c.now) == full {
		return unavailable.with("too many tokens are revoked at once").because("the table of revoked tokens is full")
	}
	return nil
}

// logout revokes the token presented and the login that it belongs to.
func (s *Service) logout(c *call) error {
	who, err := s.authenticate(c)
	if err != nil {
		return err
	}
	if err := s.revoke(c, who.ID, who.ExpiresAt.Time); err != nil {
		return err
	}
	if who.Session != "" {
		s.refreshTokens.drop(who.Session)
		if err := s.revoke(c, who.Session, c.now.Add(s.cfg.TokenLifetime)); err != nil {
			return err
		}
	}
	c.reason = "revoked"
	return c.json(map[string]any{"revoked": true})
}
