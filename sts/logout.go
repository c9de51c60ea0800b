package sts

import "time"

// revoke ends the tokens of a key or policy with this jti or sid. They would expire at until.
func (s *Service) revoke(c *call, subject, id string, until time.Time) {
	c.reason = "revoked"
	if s.revoked[subject].revoke(id, until, c.now) {
		c.reason = "revoked, and with it all tokens of " + subject + ": its share of the table of revoked tokens is full"
	}
}

// logout revokes the token presented and the login that it belongs to.
func (s *Service) logout(c *call) error {
	who, err := s.authenticate(c)
	if err != nil {
		return err
	}
	id, until := who.ID, who.ExpiresAt.Time
	if who.Session != "" {
		s.refreshTokens.drop(who.Session, c.now)
		id, until = who.Session, c.now.Add(s.cfg.TokenLifetime)
	}
	s.revoke(c, who.Subject, id, until)
	return c.json(map[string]any{"revoked": true})
}
