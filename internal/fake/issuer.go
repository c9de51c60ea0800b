// Package fake holds strict stand-ins for CI systems and registries. They check the method, path, headers, audience and
// body of a request, answer in the shapes of the real ones, and remember every mistake. Tests and `regpass demo` use
// them.
package fake

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/regpass/regpass"
)

// Issuer is an OpenID Connect issuer. It signs ID tokens and publishes the key that verifies them.
type Issuer struct {
	// URL is the address of the issuer and the claim iss of its tokens, without a slash at the end. Set it before the
	// first request or signature.
	URL string
	// Now is the issuer's clock.
	Now func() time.Time

	method jwt.SigningMethod
	key    crypto.Signer
	kid    string
}

// NewIssuer makes an issuer with a key of its own for alg, which is ES256 or RS256 (RFC 7518 section 3.1).
func NewIssuer(alg string) (*Issuer, error) {
	i := &Issuer{Now: time.Now, method: jwt.GetSigningMethod(alg), kid: uuid()}
	var err error
	switch alg {
	case "ES256":
		i.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "RS256":
		i.key, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		err = fmt.Errorf("fake: issuer: %q is neither ES256 nor RS256", alg)
	}
	return i, err
}

// Sign makes a token of claims. It adds only iss, the issuer's URL, if claims have none. A claim that is nil is left
// out. So broken tokens can be made too.
func (i *Issuer) Sign(claims map[string]any) (regpass.Secret, error) {
	all := merged(map[string]any{"iss": i.URL}, claims)
	token := jwt.NewWithClaims(i.method, jwt.MapClaims(all))
	token.Header["kid"] = i.kid
	signed, err := token.SignedString(i.key)
	if err != nil {
		return regpass.Secret{}, fmt.Errorf("fake: sign: %w", err)
	}
	return regpass.NewSecret(signed), nil
}

// ServeHTTP serves the discovery document (OpenID Connect Discovery 1.0, section 4) and the key set (RFC 7517).
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const discovery, keys = "/.well-known/openid-configuration", "/.well-known/jwks"
	if r.URL.Path != discovery && r.URL.Path != keys {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet {
		http.Error(w, "405 method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if r.URL.Path == keys {
		answer(w, http.StatusOK, map[string]any{"keys": []any{i.publicKey()}})
		return
	}
	answer(w, http.StatusOK, map[string]any{
		"issuer":                                i.URL,
		"jwks_uri":                              i.URL + keys,
		"subject_types_supported":               []string{"public", "pairwise"},
		"response_types_supported":              []string{"id_token"},
		"scopes_supported":                      []string{"openid"},
		"id_token_signing_alg_values_supported": []string{i.method.Alg()},
	})
}

// publicKey is the JSON Web Key (RFC 7518 section 6).
func (i *Issuer) publicKey() map[string]any {
	jwk := map[string]any{"use": "sig", "alg": i.method.Alg(), "kid": i.kid}
	number := base64.RawURLEncoding.EncodeToString
	switch key := i.key.Public().(type) {
	case *rsa.PublicKey:
		jwk["kty"], jwk["n"], jwk["e"] = "RSA", number(key.N.Bytes()), number(big.NewInt(int64(key.E)).Bytes())
	case *ecdsa.PublicKey:
		point, _ := key.Bytes() // 4, x, y (SEC 1, section 2.3.3); fails only for a point off the curve
		jwk["kty"], jwk["crv"], jwk["x"], jwk["y"] = "EC", "P-256", number(point[1:33]), number(point[33:65])
	}
	return jwk
}

// answer writes a JSON answer.
func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// merged returns the claims with the changes. A change to nil removes its claim.
func merged(claims, changes map[string]any) map[string]any {
	all := maps.Clone(claims)
	maps.Copy(all, changes)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
}

// uuid makes a random UUID (RFC 9562 section 5.4), for jti and for ids in paths.
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
