package sts

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// audience tells a CI job which audience its ID token needs (uv, crates/uv-publish/src/trusted_publishing/pyx.rs,
// get_audience).
func (s *Service) audience(c *call) error {
	for _, p := range s.policies {
		if p.Permission == Write {
			return c.json(map[string]any{"audience": p.Audience})
		}
	}
	return c.json(map[string]any{"audience": writeAudience})
}

// trustedPublishing exchanges an ID token for a token that can upload to one index and do nothing more.
func (s *Service) trustedPublishing(c *call) error { return s.exchange(c, Write, c.args[0], c.args[1]) }

// trustedAccess exchanges an ID token for a token that can read a workspace.
func (s *Service) trustedAccess(c *call) error { return s.exchange(c, Read, c.args[0], "") }

// maxExchange is the longest body of an exchange, in bytes: a token and the JSON around it.
const maxExchange = regpass.MaxToken + 1<<10

// exchange trades an ID token for a token of this service, as PyPI's mint-token does
// (pypi/warehouse, docs/user/trusted-publishers/internals.md).
func (s *Service) exchange(c *call, permission Permission, workspace, registry string) error {
	if plainName().MatchString(workspace) {
		c.workspace = workspace
	}
	var in struct{ Token string }
	if err := c.body(maxExchange, &in); err != nil {
		return err
	}
	token, err := regpass.ParseToken(in.Token)
	if err != nil {
		return badRequest.with("token: %s", err)
	}
	id, err := s.identify(c, token)
	if err != nil {
		return err
	}
	p, err := s.trusted(c, id, permission, workspace, registry)
	if err != nil {
		return err
	}
	if x := s.indexes[indexID{workspace, PyPI, registry}]; permission == Write && (x == nil || x.folder == nil) {
		return notFound.with("the workspace has no such index, or it takes no uploads")
	}
	// A refused token is not used up, so it can be sent again once the policy is corrected.
	once := sha256.Sum256([]byte(id.once(token)))
	switch s.used.add(once, struct{}{}, id.ExpiresAt.Add(2*leeway), c.now) {
	case known:
		return badIdentity.with("the identity token was already exchanged; each one works once")
	case full:
		return unavailable.with("too many identity tokens right now").because("the table of used identity tokens is full")
	}
	minted, made, err := s.mint(c, p.tokenRequest(id, registry, c.endpoint))
	if err != nil {
		s.used.drop(once)
		return err
	}
	return c.json(map[string]any{"success": true, "token": minted, "expires": made.ExpiresAt.Unix()})
}

// trusted finds the first policy that matches. If none does, the audit gets every reason; the client learns only which
// claims are checked.
func (s *Service) trusted(c *call, id *identity, permission Permission, workspace, registry string) (*policy, error) {
	var looked, why []string
	audience := false
	for i := range s.policies {
		p := &s.policies[i]
		if p.Issuer != id.Issuer || p.Permission != permission {
			continue
		}
		looked = append(looked, p.names()...)
		if !slices.Contains(id.Audience, p.Audience) {
			continue
		}
		audience = true
		switch bad := p.mismatch(id.all); {
		case p.Workspace != workspace:
			why = append(why, p.Name+": another workspace")
		case p.Index != "" && registry != "" && p.Index != registry:
			why = append(why, p.Name+": another index")
		case bad != "":
			why = append(why, p.Name+": claim "+regpass.Quote(bad))
		default:
			c.policy = p.Name
			return p, nil
		}
	}
	if !audience && looked != nil {
		return nil, badIdentity.with("the token from %s is for another audience", regpass.Quote(id.Issuer))
	}
	slices.Sort(looked)
	return nil, noPolicy.with("the token from %s is valid but matches no trust policy; policies for %s check: %s",
		regpass.Quote(id.Issuer), permission, strings.Join(slices.Compact(looked), ", ")).
		because("no policy: %s", strings.Join(why, "; "))
}

// tokenRequest describes the token that the policy grants. A token for uploads is bound to one index.
func (p *policy) tokenRequest(id *identity, registry, via string) tokenRequest {
	if registry == "" {
		registry = p.Index
	}
	return tokenRequest{
		subject: "trust:" + p.Name, workspaces: []string{p.Workspace}, permissions: []Permission{p.Permission},
		index: registry, via: via, actor: &actor{Issuer: id.Issuer, Subject: clip(id.Subject)}, lifetime: p.Lifetime,
	}
}

// once identifies a token for the check that it is exchanged only once: by issuer and jti, or as a whole if it has no
// jti.
func (id *identity) once(token regpass.Secret) string {
	if id.ID == "" {
		return token.Reveal()
	}
	j, _ := json.Marshal([]string{id.Issuer, id.ID}) // strings always encode
	return string(j)
}
