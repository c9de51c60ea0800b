package sts

// protocol is the protocol that the service speaks, as the option type= of `regpass` names it.
const protocol = "pyx"

// whatIs tells clients which protocol the service speaks, before they have a credential. It tells nothing else.
func (s *Service) whatIs(c *call) error {
	c.w.Header().Set("Cache-Control", "public, max-age=300")
	return c.public(map[string]any{"service": "regpass serve", "type": protocol})
}
