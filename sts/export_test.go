package sts

import "strings"

// Shrink gives every key and policy a smaller part of the tables, so that a test can fill one.
func (s *Service) Shrink(part int) {
	for subject, r := range s.revoked {
		if r.ended.max = part; strings.HasPrefix(subject, "trust:") {
			r.ended.max = 2 * part
		}
	}
	s.used.share, s.logins.share, s.refreshTokens.share = part, part, part
}
