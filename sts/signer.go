package sts

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/regpass/regpass"
)

// claims are the claims of the service's tokens (RFC 7519).
type claims struct {
	jwt.RegisteredClaims
	Workspaces  []string     `json:"workspaces"`
	Permissions []Permission `json:"permissions"`
	Index       string       `json:"index,omitempty"` // the only index that the token is valid for
	Via         string       `json:"via"`             // the endpoint that issued it
	Session     string       `json:"sid,omitempty"`   // id of its login
	Actor       *actor       `json:"act,omitempty"`   // RFC 8693 section 4.1: the CI job
	Org         string       `json:"urn:pyx:org_name,omitempty"`
}

type actor struct {
	Issuer  string `json:"iss"`
	Subject string `json:"sub"`
}

// tokenRequest describes a token to issue. The signer adds the registered claims.
type tokenRequest struct {
	subject     string
	workspaces  []string
	permissions []Permission
	index       string
	via         string
	session     string
	actor       *actor
	lifetime    time.Duration // TokenLifetime if zero
	notAfter    time.Time     // zero: only the lifetime counts
}

// signer issues and verifies tokens with one key.
type signer struct {
	issuer string
	method jwt.SigningMethod
	key    crypto.Signer
	jwk    map[string]string // public half (RFC 7517)
	parser *jwt.Parser
}

// newSigner reads the key at path, or makes one there. An empty path means a key for this run only.
func newSigner(path, issuer string, now func() time.Time) (*signer, error) {
	key, err := signingKey(path)
	if err != nil {
		return nil, err
	}
	s := &signer{issuer: issuer, key: key}
	b64 := base64.RawURLEncoding.EncodeToString
	var thumb string // the required members in lexical order (RFC 7638 section 3.2)
	switch pub := key.Public().(type) {
	case ed25519.PublicKey:
		s.method = jwt.SigningMethodEdDSA
		s.jwk = map[string]string{"kty": "OKP", "crv": "Ed25519", "x": b64(pub)}
		thumb = fmt.Sprintf(`{"crv":"Ed25519","kty":"OKP","x":%q}`, s.jwk["x"])
	case *ecdsa.PublicKey:
		if pub.Curve != elliptic.P256() {
			return nil, errors.New("an elliptic curve key must be on P-256")
		}
		point, err := pub.Bytes() // 0x04, x, y
		if err != nil {
			return nil, err
		}
		s.method = jwt.SigningMethodES256
		s.jwk = map[string]string{"kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])}
		thumb = fmt.Sprintf(`{"crv":"P-256","kty":"EC","x":%q,"y":%q}`, s.jwk["x"], s.jwk["y"])
	default:
		return nil, fmt.Errorf("a key of type %T is neither Ed25519 nor P-256", pub)
	}
	sum := sha256.Sum256([]byte(thumb))
	s.jwk["kid"], s.jwk["alg"], s.jwk["use"] = b64(sum[:]), s.method.Alg(), "sig"
	s.parser = jwt.NewParser(
		jwt.WithValidMethods([]string{s.method.Alg()}), jwt.WithIssuer(issuer), jwt.WithAudience(issuer),
		jwt.WithExpirationRequired(), jwt.WithNotBeforeRequired(), jwt.WithStrictDecoding(), jwt.WithTimeFunc(now))
	return s, nil
}

// sign issues the token that p describes.
func (s *signer) sign(p tokenRequest, now time.Time) (regpass.Secret, *claims, error) {
	expires := now.Add(p.lifetime)
	if !p.notAfter.IsZero() && p.notAfter.Before(expires) {
		expires = p.notAfter
	}
	c := &claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: s.issuer, Subject: p.subject, Audience: jwt.ClaimStrings{s.issuer}, ID: rand.Text(),
			ExpiresAt: jwt.NewNumericDate(expires), IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now),
		},
		Workspaces: p.workspaces, Permissions: p.permissions, Index: p.index, Via: p.via, Session: p.session, Actor: p.actor,
	}
	if len(p.workspaces) == 1 {
		c.Org = p.workspaces[0]
	}
	t := jwt.NewWithClaims(s.method, c)
	t.Header["kid"] = s.jwk["kid"]
	signed, err := t.SignedString(s.key)
	if err != nil {
		return regpass.Secret{}, nil, fmt.Errorf("sts: sign a token: %w", err)
	}
	return regpass.NewSecret(signed), c, nil
}

// verify accepts a token issued by this key that is valid now. Its error is for the audit only, never for the client.
func (s *signer) verify(token regpass.Secret) (*claims, error) {
	c := &claims{}
	_, err := s.parser.ParseWithClaims(token.Reveal(), c, func(t *jwt.Token) (any, error) {
		if t.Header["kid"] != s.jwk["kid"] {
			return nil, errors.New("signed by another key")
		}
		return s.key.Public(), nil
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}
