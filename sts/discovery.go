package sts

import "net/http"

// jwks publishes the key that tokens are signed with (RFC 7517).
func (s *Service) jwks(c *call) error {
	c.w.Header().Set("Cache-Control", "public, max-age=300")
	return c.public(map[string]any{"keys": []any{s.signer.jwk}})
}

// discovery publishes the metadata that OpenID Connect libraries need to verify our tokens (OpenID Connect Discovery
// 1.0 section 3).
func (s *Service) discovery(c *call) error {
	return c.public(map[string]any{
		"issuer": s.cfg.PublicURL, "jwks_uri": s.cfg.PublicURL + "/.well-known/jwks.json",
		"id_token_signing_alg_values_supported": []string{s.signer.method.Alg()},
		"subject_types_supported":               []string{"public"}, "response_types_supported": []string{"id_token"},
	})
}

// health answers load balancers. It does not look at issuers or upstreams.
func (s *Service) health(c *call) error {
	c.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	c.w.WriteHeader(http.StatusOK)
	_, err := c.w.Write([]byte("ok\n"))
	return c.sent(err)
}
