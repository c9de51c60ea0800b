package identity

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/regpass/regpass"
)

// leeway is the longest time until a token becomes valid: issuers' clocks run ahead of ours by seconds, and RFC 7519
// section 4.1.5 allows "some small leeway, usually no more than a few minutes".
const leeway = time.Minute

// Get gets a token for audience from the provider and has it masked. It refuses a token that no registry could accept:
// one that is not a JSON Web Token, is for another audience, has no https issuer, has expired or is not valid yet. The
// registry verifies the signature. A refused token is regpass.ErrNoIdentity, whose text holds only claims of the token.
func (p Provider) Get(ctx context.Context, env *regpass.Env, audience string) (regpass.Identity, error) {
	if audience == "" || strings.ContainsFunc(audience, unicode.IsControl) {
		return regpass.Identity{}, fmt.Errorf("identity: %s: %s cannot be an audience", p.Name, regpass.Quote(audience))
	}
	if only := p.OnlyAudience(env); only != "" && only != audience {
		err := fmt.Errorf("its ID tokens are all for the audience %s, not for %s", regpass.Quote(only),
			regpass.Quote(audience))
		err = regpass.NoIdentityf("identity: %s: %w", p.Name, err)
		return regpass.Identity{}, regpass.Hintf(err, "use an API key for this registry, as `regpass init %s` prints it; "+
			"only if it is to get such a token, which it could use wherever that audience is taken, write audience=… "+
			"behind its URL", p.Name)
	}
	raw, err := p.Token(ctx, env, audience)
	if err != nil {
		return regpass.Identity{}, fmt.Errorf("identity: %s: %w", p.Name, err)
	}
	token, err := regpass.ParseToken(raw.Reveal())
	if err != nil {
		return regpass.Identity{}, p.refuse(audience, err)
	}
	env.Mask(token)
	claims, err := regpass.DecodeJWT(token)
	if err != nil {
		return regpass.Identity{}, p.refuse(audience, err)
	}
	if err := checkParties(claims, audience, p.NoIssuer); err != nil {
		return regpass.Identity{}, p.refuse(audience, err)
	}
	if err := checkTimes(claims, env.Now()); err != nil {
		return regpass.Identity{}, regpass.NoIdentityf("identity: %s: %w", p.Name, err)
	}
	env.Step("identity: %s made an ID token for the audience %s", p.Name, regpass.Quote(audience))
	return regpass.Identity{Provider: p.Name, Token: token, Claims: claims, PolicyClaims: p.Claims}, nil
}

// OnlyAudience is the only audience of the provider's tokens, or empty if the caller chooses.
func (p Provider) OnlyAudience(env *regpass.Env) string {
	if p.AudienceOf == "" {
		return os.Expand(p.Audience, env.Getenv)
	}
	token, err := regpass.ParseToken(env.Getenv(p.AudienceOf))
	if err != nil {
		return ""
	}
	if claims, err := regpass.DecodeJWT(token); err == nil && len(claims.Audience) == 1 {
		return claims.Audience[0]
	}
	return "" // what is wrong with the token is for Get to say
}

// refuse makes the error for a token that was found but cannot be used.
func (p Provider) refuse(audience string, err error) error {
	err = regpass.NoIdentityf("identity: %s: %w", p.Name, err)
	return regpass.Hintf(err, "set up an identity from %s:\n%s", p.Title, p.Setup(audience))
}

// checkParties refuses a token for another audience, which the registry could present there in our name, and a token
// whose issuer cannot be looked up: it is not an https URL (OpenID Connect Core 1.0, section 2), or there is none and
// noIssuer does not allow that.
func checkParties(c regpass.Claims, audience string, noIssuer bool) error {
	if len(c.Audience) == 0 {
		return fmt.Errorf("the ID token has no audience; it must be for %s", regpass.Quote(audience))
	}
	if !slices.Contains(c.Audience, audience) {
		return fmt.Errorf("the ID token is for the audience %s, not for %s",
			regpass.Quote(strings.Join(c.Audience, ", ")), regpass.Quote(audience))
	}
	if _, has := c.All["iss"]; !has && noIssuer {
		return nil
	}
	issuer, err := url.Parse(c.Issuer)
	if err != nil || regpass.CheckEndpoint(issuer) != nil {
		return fmt.Errorf("the ID token's issuer %s is not an https URL", regpass.Quote(c.Issuer))
	}
	return nil
}

// checkTimes refuses a token outside its lifetime. The error says how wrong this machine's clock would have to be.
func checkTimes(c regpass.Claims, now time.Time) error {
	if c.Expires.IsZero() {
		return errors.New("the ID token has no exp, so it would be valid for ever")
	}
	clock := now.UTC().Format(time.RFC3339)
	for _, start := range []time.Time{c.IssuedAt, c.NotBefore} {
		if early := start.Sub(now); early > leeway {
			err := fmt.Errorf("the ID token is valid only in %s: this machine's clock seems to be that far behind",
				early.Round(time.Second))
			return regpass.Hintf(err, "set this machine's clock, which says %s", clock)
		}
	}
	if late := now.Sub(c.Expires); late >= 0 {
		ahead := late
		if !c.IssuedAt.IsZero() {
			ahead = now.Sub(c.IssuedAt)
		}
		err := fmt.Errorf("the ID token expired %s ago by this machine's clock", late.Round(time.Second))
		const format = "if the token was made just now, this machine's clock, which says %s, seems to be %s ahead; " +
			"otherwise the token is too old: get it closer to its use"
		return regpass.Hintf(err, format, clock, ahead.Round(time.Second))
	}
	return nil
}
