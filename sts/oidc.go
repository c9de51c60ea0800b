package sts

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/regpass/regpass"
)

// leeway is the tolerated error of an issuer's clock.
const leeway = time.Minute

// algorithms are the signature algorithms accepted from issuers: asymmetric ones, so neither none nor HS256.
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.ES384, jose.PS256, jose.EdDSA}

// identity is a verified ID token.
type identity struct {
	regpass.Claims
	all  map[string]json.RawMessage
	once [sha256.Size]byte // the same for all forms of one token
}

// identify verifies an ID token. It never contacts an issuer that no policy names.
func (s *Service) identify(c *call, token regpass.Secret) (*identity, error) {
	id, err := readIdentity(token)
	if err != nil {
		return nil, badIdentity.with("%s", err)
	}
	c.issuer = id.Issuer
	from := s.issuers[id.Issuer]
	switch {
	case id.Issuer == "":
		return nil, badIdentity.with("the token has no claim iss, so no trust policy names the issuer")
	case from == nil:
		return nil, badIdentity.with("no trust policy names the issuer %s, the token's claim iss", regpass.Quote(id.Issuer))
	}
	err = from.verify(c.r.Context(), token, id)
	if errors.Is(err, errIssuerAway) {
		return nil, unavailable.with("the issuer %s does not answer", regpass.Quote(id.Issuer)).because("%s", err)
	}
	if err != nil {
		return nil, badIdentity.with("the token from %s is invalid or has expired", regpass.Quote(id.Issuer)).
			because("identity token: %s", err)
	}
	c.actor = id.Subject
	return id, nil
}

// readIdentity reads a token that is not verified yet. Each part must be canonical base64url.
func readIdentity(token regpass.Secret) (*identity, error) {
	said, err := regpass.DecodeJWT(token)
	if err != nil {
		return nil, err
	}
	id := &identity{Claims: said}
	parts := strings.Split(token.Reveal(), ".")
	for i, part := range parts {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(part)
		if err != nil {
			return nil, fmt.Errorf("not a JSON Web Token: its part %d is not canonical base64url", i+1)
		}
		if i == 1 {
			err = json.Unmarshal(raw, &id.all)
		}
		if err != nil {
			return nil, errors.New("not a JSON Web Token: its second part is not a JSON object")
		}
	}
	// What is signed names the token, not the signature: one signature has several forms, such as (r, n-s) of ECDSA.
	text := parts[0] + "." + parts[1]
	if id.ID != "" {
		j, _ := json.Marshal([]string{id.Issuer, id.ID}) // strings always encode
		text = string(j)
	}
	id.once = sha256.Sum256([]byte(text))
	return id, nil
}

// verify checks signature, issuer and times of a token that was read as id. The policy checks the audience.
func (i *issuer) verify(ctx context.Context, token regpass.Secret, id *identity) error {
	signed, err := jose.ParseSignedCompact(token.Reveal(), algorithms)
	if err != nil {
		return err
	}
	keys, err := i.current(ctx)
	if err != nil {
		return err
	}
	err = signedBy(signed, keys)
	if errors.Is(err, errUnknownKey) {
		if keys, err = i.newer(ctx); err == nil {
			err = signedBy(signed, keys)
		}
	}
	if err != nil {
		return err
	}
	c := jwt.RegisteredClaims{Issuer: id.Issuer, Subject: id.Subject, ExpiresAt: date(id.Expires),
		NotBefore: date(id.NotBefore), IssuedAt: date(id.IssuedAt)}
	return i.check.Validate(c)
}

// date is a time as golang-jwt wants it: nil if it is absent.
func date(t time.Time) *jwt.NumericDate {
	if t.IsZero() {
		return nil
	}
	return jwt.NewNumericDate(t)
}

var errUnknownKey = errors.New("signed by a key that the issuer does not publish")

// signedBy verifies a signature with the keys that the token's header allows: those of its kid, or all without one.
func signedBy(signed *jose.JSONWebSignature, keys []jose.JSONWebKey) error {
	header := signed.Signatures[0].Header
	err := errUnknownKey
	for i := range keys {
		k := &keys[i]
		if header.KeyID != "" && k.KeyID != header.KeyID || k.Algorithm != "" && k.Algorithm != header.Algorithm {
			continue
		}
		if _, bad := signed.Verify(k); bad == nil {
			return nil
		} else if header.KeyID != "" {
			err = fmt.Errorf("the signature is not that of its key: %w", bad)
		}
	}
	return err
}
