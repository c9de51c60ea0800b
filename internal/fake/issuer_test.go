package fake_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/regpass/regpass/internal/fake"
)

func TestIssuer(t *testing.T) {
	for _, alg := range []string{"ES256", "RS256"} {
		t.Run(alg, func(t *testing.T) {
			issuer := listen(t, alg)
			token, err := issuer.Sign(map[string]any{"sub": "a", "exp": time.Now().Add(time.Minute).Unix(), "gone": nil})
			if err != nil {
				t.Fatal(err)
			}
			claims := verify(t, issuer.URL, token.Reveal())
			if claims["iss"] != issuer.URL || claims["sub"] != "a" {
				t.Errorf("claims = %v", claims)
			}
			if _, ok := claims["gone"]; ok {
				t.Error("a nil claim is in the token")
			}
			if alg2, _, _ := jwt.NewParser().ParseUnverified(token.Reveal(), jwt.MapClaims{}); alg2.Method.Alg() != alg {
				t.Errorf("alg = %s, want %s", alg2.Method.Alg(), alg)
			}
			other := listen(t, alg)
			if _, err := jwt.Parse(token.Reveal(), published(t, other.URL)); !errors.Is(err, jwt.ErrTokenUnverifiable) {
				t.Errorf("by another issuer's keys: %v, want it unverifiable", err)
			}
		})
	}
}

func TestIssuerOverridesIss(t *testing.T) {
	issuer := listen(t, "ES256")
	for _, iss := range []any{"https://other.example", nil} {
		token, err := issuer.Sign(map[string]any{"iss": iss})
		if err != nil {
			t.Fatal(err)
		}
		if got := verify(t, issuer.URL, token.Reveal())["iss"]; got != iss {
			t.Errorf("iss = %v, want %v", got, iss)
		}
	}
}

func TestIssuerRefuses(t *testing.T) {
	if _, err := fake.NewIssuer("none"); err == nil {
		t.Error("NewIssuer made a key for the algorithm none")
	}
	issuer := listen(t, "ES256")
	for _, test := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/", http.StatusNotFound},
		{http.MethodGet, "/.well-known/openid-configuration/", http.StatusNotFound},
		{http.MethodPost, "/.well-known/openid-configuration", http.StatusMethodNotAllowed},
		{http.MethodPost, "/.well-known/jwks", http.StatusMethodNotAllowed},
	} {
		if status, _ := send(t, plain(t, test.method, issuer.URL+test.path)); status != test.status {
			t.Errorf("%s %s: %d, want %d", test.method, test.path, status, test.status)
		}
	}
	if _, err := issuer.Sign(map[string]any{"no JSON": func() {}}); err == nil {
		t.Error("Sign signed a func")
	}
}

// listen starts an issuer on loopback.
func listen(t *testing.T, alg string) *fake.Issuer {
	t.Helper()
	issuer, err := fake.NewIssuer(alg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(issuer)
	t.Cleanup(server.Close)
	issuer.URL = server.URL
	return issuer
}

// verify checks a token's signature by what its issuer publishes and returns its claims.
func verify(t *testing.T, url, token string) jwt.MapClaims {
	t.Helper()
	claims := jwt.MapClaims{}
	if _, err := jwt.ParseWithClaims(token, claims, published(t, url)); err != nil {
		t.Fatal(err)
	}
	return claims
}

// published reads an issuer's keys as a relying party does, from discovery.
func published(t *testing.T, url string) jwt.Keyfunc {
	t.Helper()
	var found struct {
		Issuer string
		Keys   string `json:"jwks_uri"`
	}
	read(t, url+"/.well-known/openid-configuration", &found)
	if found.Issuer != url {
		t.Errorf("the discovery document names the issuer %q, not %q", found.Issuer, url)
	}
	var set struct {
		Keys []struct{ Kty, Crv, Alg, Use, Kid, N, E, X, Y string }
	}
	read(t, found.Keys, &set)
	return func(token *jwt.Token) (any, error) {
		for _, key := range set.Keys {
			switch {
			case key.Kid != token.Header["kid"] || key.Alg != token.Method.Alg() || key.Use != "sig":
			case key.Kty == "RSA":
				return &rsa.PublicKey{N: new(big.Int).SetBytes(decode(t, key.N)),
					E: int(new(big.Int).SetBytes(decode(t, key.E)).Int64())}, nil
			case key.Kty == "EC" && key.Crv == "P-256":
				return ecdsa.ParseUncompressedPublicKey(elliptic.P256(),
					append(append([]byte{4}, decode(t, key.X)...), decode(t, key.Y)...))
			}
		}
		return nil, errors.New("no such key")
	}
}

func decode(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// read gets a JSON document.
func read(t *testing.T, url string, v any) {
	t.Helper()
	status, body := send(t, plain(t, http.MethodGet, url))
	if status != http.StatusOK {
		t.Fatalf("%s: %d", url, status)
	}
	if err := json.Unmarshal(body, v); err != nil {
		t.Fatal(err)
	}
}

// send sends a request and returns the status and the body of the answer.
func send(t *testing.T, r *http.Request) (int, []byte) {
	t.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, body
}

// plain is a request without headers or body.
func plain(t *testing.T, method, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
