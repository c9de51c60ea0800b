package sts

import (
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// basicUser is the user name that goes with a token in Basic authentication, as on PyPI.
const basicUser = "__token__"

// credential finds the token of a request: in the path or, failing that, in Authorization as Bearer or as Basic with
// the user name __token__ or none.
func (c *call) credential() (regpass.Secret, error) {
	if !c.token.Empty() {
		return c.token, nil
	}
	headers := c.r.Header["Authorization"]
	if len(headers) == 0 {
		return regpass.Secret{}, noCredential.with("send a token as Bearer, or as Basic with the user name %s", basicUser)
	}
	if len(headers) > 1 {
		return regpass.Secret{}, badCredential.with("the request has more than one Authorization header")
	}
	raw, user := "", ""
	if scheme, rest, _ := strings.Cut(headers[0], " "); strings.EqualFold(scheme, "Bearer") {
		raw = rest
	} else {
		user, raw, _ = c.r.BasicAuth()
	}
	if user != "" && user != basicUser {
		return regpass.Secret{}, badCredential.with("the user name must be %s", basicUser)
	}
	token, err := regpass.ParseToken(raw)
	if err != nil {
		return regpass.Secret{}, badCredential.with("the Authorization header holds no token")
	}
	return token, nil
}

// authenticate verifies the token of a request. Signatures are cached; revocation is checked every time.
func (s *Service) authenticate(c *call) (*claims, error) {
	token, err := c.credential()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(token.Reveal()))
	who, ok := s.verified.get(sum, c.now)
	if !ok {
		if who, err = s.signer.verify(token); err != nil {
			detail := "the token was not issued by this service or has expired"
			if strings.HasPrefix(token.Reveal(), keyPrefix) {
				detail = "an API key is exchanged for a token: give regpass the URL and type=" + protocol
			}
			return nil, badCredential.with("%s", detail).because("token refused: %s", err)
		}
		s.verified.set(sum, who, who.ExpiresAt.Time, c.now)
	}
	c.subject, c.jti, c.permissions = who.Subject, who.ID, who.Permissions
	ended := s.revoked[who.Subject]
	switch {
	case ended == nil:
		return nil, badCredential.with("the key or the policy that the token came by is no longer there")
	case ended.has(who, c.now):
		return nil, badCredential.with("the token was revoked")
	}
	return who, nil
}

// authorize refuses a request that its token does not allow. The answer is the same for a workspace that does not exist
// and for one that the token is not valid in.
func (s *Service) authorize(c *call, p Permission, workspace, index string) error {
	if plainName().MatchString(workspace) && plainName().MatchString(index) {
		c.workspace, c.index = workspace, index
	}
	who, err := s.authenticate(c)
	if err != nil {
		return err
	}
	switch {
	case !slices.Contains(who.Workspaces, workspace):
		return forbidden.with("the token is not for this workspace")
	case who.Index != "" && who.Index != index:
		return forbidden.with("the token is for another index of this workspace")
	case !slices.Contains(who.Permissions, p):
		return forbidden.with("the token does not have the permission %s", p)
	}
	return nil
}
