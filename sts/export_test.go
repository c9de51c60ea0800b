package sts

// Shrink gives every key and policy a smaller part of the tables, so that a test can fill one.
func (s *Service) Shrink(part int) {
	for _, r := range s.revoked {
		r.ended.max = part
	}
	for _, u := range s.used {
		u.max = part
	}
	s.loginShare, s.refreshTokens.share = part, part
}
