package sts

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// audience tells a CI job which audience its ID token needs (uv, crates/uv-publish/src/trusted_publishing/pyx.rs,
// get_audience).
func (s *Service) audience(c *call) error {
	for _, p := range s.policies {
		if slices.Contains(p.Permissions, Write) {
			return c.json(map[string]any{"audience": p.Audience})
		}
	}
	return c.json(map[string]any{"audience": s.cfg.audience()})
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
	// It is remembered as long as the token that it is exchanged for may have to be revoked.
	until := id.Expires.Add(2 * leeway)
	if ends := c.now.Add(p.Lifetime); ends.After(until) {
		until = ends
	}
	switch s.used.add(id.once, p.subject(), until, c.now) {
	case known:
		return badIdentity.with("the identity token was already exchanged; each one works once")
	case full:
		return unavailable.with("this policy has granted as many tokens as may live at once; ask again when some have ended").
			because("the policy's share of the table of used identity tokens is full")
	}
	minted, made, err := s.mint(c, p.tokenRequest(id, permission, registry, c.endpoint))
	if err != nil {
		s.used.drop(id.once)
		return err
	}
	return c.json(map[string]any{"success": true, "token": minted, "expires": made.ExpiresAt.Unix()})
}

// trusted finds the first policy that matches. If none does, the audit gets every reason; the client learns only which
// claims are checked, and which of them its token lacks.
func (s *Service) trusted(c *call, id *identity, permission Permission, workspace, registry string) (*policy, error) {
	checked, audiences, why := []string{}, []string{}, []string{}
	audience := false
	for i := range s.policies {
		p := &s.policies[i]
		if p.Issuer != id.Issuer || !slices.Contains(p.Permissions, permission) {
			continue
		}
		checked, audiences = append(checked, p.names()...), append(audiences, regpass.Quote(p.Audience))
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
	from := regpass.Quote(id.Issuer)
	switch {
	case len(audiences) == 0:
		return nil, noPolicy.with("the token from %s is valid, but no trust policy for %s names its issuer",
			from, permission)
	case !audience:
		const other = "the token from %s is for another audience: its claim aud is %s, and policies for %s take %s"
		return nil, badIdentity.with(other, from, claimShown(id.all["aud"]), permission, either(audiences))
	}
	const format = "the token from %s is valid but matches no trust policy; %spolicies for %s check: iss, aud, %s"
	return nil, noPolicy.with(format, from, id.lacks(checked), permission, strings.Join(unique(checked), ", ")).
		because("no policy: %s", strings.Join(why, "; "))
}

// lacks says which of the claims that policies check the token does not have. Clients cut long messages, so it stands
// before the claims that it has.
func (id *identity) lacks(checked []string) string {
	var missing []string
	for _, name := range unique(checked) {
		if _, ok := claimText(id.all[name]); !ok {
			missing = append(missing, name)
		}
	}
	if missing == nil {
		return ""
	}
	return "it lacks: " + strings.Join(missing, ", ") + "; "
}

// claimShown is a claim for an error message, cut where it is long.
func claimShown(raw json.RawMessage) string {
	text, ok := claimText(raw)
	if !ok {
		return "missing"
	}
	return regpass.Quote(clip(text))
}

func either(texts []string) string { return strings.Join(unique(texts), " or ") }

// unique sorts texts and leaves each once.
func unique(texts []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(texts)))
}

// tokenRequest describes the token that the policy grants. A token for uploads is bound to one index.
func (p *policy) tokenRequest(id *identity, of Permission, registry, via string) tokenRequest {
	if registry == "" {
		registry = p.Index
	}
	return tokenRequest{
		subject: p.subject(), workspaces: []string{p.Workspace}, permissions: []Permission{of},
		index: registry, via: via, actor: &actor{Issuer: id.Issuer, Subject: clip(id.Subject)}, lifetime: p.Lifetime,
	}
}
