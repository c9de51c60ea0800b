package sts_test

import (
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
)

// p256 is the order of the curve's group (FIPS 186-4, D.1.2.3).
const p256 = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"

// hang makes the issuer answer nothing until the returned function is called.
func (fx *fixture) hang() (release func()) {
	held := make(chan struct{})
	fx.mu.Lock()
	fx.held = held
	fx.mu.Unlock()
	return sync.OnceFunc(func() {
		fx.mu.Lock()
		fx.held = nil
		fx.mu.Unlock()
		close(held)
	})
}

// TestIssuerHangs: keys that are known are served on while they are read again, and an unknown one makes one request.
func TestIssuerHangs(t *testing.T) {
	fx := newFixture(t)
	fx.want(t, fx.post(publishPath, tokenBody(fx.idToken(audience, nil))), 200)
	fx.awaitAsked(2)
	release := fx.hang()
	defer release()
	fx.clock.forward(2 * time.Hour)
	for range 6 {
		fx.want(t, fx.post(publishPath, tokenBody(fx.idToken(audience, nil))), 200)
	}
	fx.awaitAsked(1) // of 6 jobs
	stranger, err := fake.NewIssuer("ES256")
	must(t, err)
	stranger.URL = fx.issuer.URL
	forged := make(chan reply, 4)
	for range cap(forged) {
		token, err := stranger.Sign(map[string]any{"aud": audience, "exp": fx.clock.now().Add(time.Minute).Unix()})
		must(t, err)
		go func() { forged <- fx.post(publishPath, tokenBody(token)) }()
	}
	for range 6 {
		fx.want(t, fx.post(publishPath, tokenBody(fx.idToken(audience, nil))), 200)
	}
	release()
	for range cap(forged) {
		fx.want(t, <-forged, 401)
	}
	if asked := fx.asked.String(); strings.Count(asked, "\n") != 4 {
		t.Errorf("requests\n%s", asked)
	}
}

// TestIssuerIsGone: keys are used on while the issuer is away, but not for ever: one may have been withdrawn.
func TestIssuerIsGone(t *testing.T) {
	fx := newFixture(t)
	fx.want(t, fx.post(publishPath, tokenBody(fx.idToken(audience, nil))), 200)
	fx.mu.Lock()
	fx.odd = map[string]string{"/.well-known/jwks": "maintenance"}
	fx.mu.Unlock()
	for range 23 {
		fx.clock.forward(time.Hour)
		fx.want(t, fx.post(publishPath, tokenBody(fx.idToken(audience, nil))), 200)
	}
	fx.clock.forward(time.Hour)
	fx.want(t, fx.post(publishPath, tokenBody(fx.idToken(audience, nil))), 503)
	fx.mu.Lock()
	fx.odd = nil
	fx.mu.Unlock()
	fx.clock.forward(time.Minute)
	fx.want(t, fx.post(publishPath, tokenBody(fx.idToken(audience, nil))), 200)
}

// TestIssuerRotates: a key that is not known is looked for, one that was withdrawn is forgotten after an hour.
func TestIssuerRotates(t *testing.T) {
	fx := newFixture(t)
	before := fx.idToken(audience, map[string]any{"exp": fx.clock.now().Add(24 * time.Hour).Unix()})
	fx.want(t, fx.post(publishPath, tokenBody(fx.idToken(audience, nil))), 200)
	next, err := fake.NewIssuer("RS256")
	must(t, err)
	next.URL, next.Now = fx.issuer.URL, fx.clock.now
	fx.mu.Lock()
	fx.issuer = next
	fx.mu.Unlock()
	fx.clock.forward(time.Minute)
	fx.want(t, fx.post(publishPath, tokenBody(fx.idToken(audience, nil))), 200)
	fx.want(t, fx.post(publishPath, tokenBody(before)), 401)
}

// TestIssuersDocuments: only keys that the issuer means for signatures count, and only at the address that it may name.
func TestIssuersDocuments(t *testing.T) {
	const discovery, keys = "/.well-known/openid-configuration", "/.well-known/jwks"
	for name, test := range map[string]struct {
		path, text string // KEY is the issuer's key, URL its address
		status     int
	}{
		"keys of other kinds": {keys, `{"keys":[7,{"kty":"new"},{"kty":"oct","k":"AAAA","kid":"x"},KEY,{"kty":"EC"}]}`, 200},
		"more than a hundred": {keys, `{"keys":[` + strings.Repeat("KEY,", 99) + `KEY,KEY]}`, 200},
		"for encryption":      {keys, `{"keys":[{"use":"enc",REST]}`, 503},
		"another algorithm":   {keys, `{"keys":[{"alg":"RS256",REST]}`, 401},
		"for hours":           {keys, `{"keys":[{"kty":"RSA","e":"AQAB","n":"` + strings.Repeat("_", 1368) + `"}]}`, 503},
		"no key":              {keys, `{"keys":[]}`, 503},
		"no list":             {keys, `{"keys":KEY}`, 503},
		"a page":              {keys, `<html>maintenance</html>`, 503},
		"keys that are long":  {keys, `{"keys":[KEY],"x":"` + strings.Repeat("x", 1<<20) + `"}`, 503},
		"another issuer":      {discovery, `{"issuer":"https://other.example","jwks_uri":"URL/.well-known/jwks"}`, 503},
		"keys without TLS":    {discovery, `{"issuer":"URL","jwks_uri":"http://192.0.2.1/jwks"}`, 503},
		"keys in a file":      {discovery, `{"issuer":"URL","jwks_uri":"file:///etc/passwd"}`, 503},
		"no keys":             {discovery, `{"issuer":"URL"}`, 503},
	} {
		t.Run(name, func(t *testing.T) {
			fx := newFixture(t)
			var set struct{ Keys []json.RawMessage }
			must(t, json.Unmarshal([]byte(fx.issuerKeys()), &set))
			key := string(set.Keys[0])
			rest := strings.NewReplacer(`"alg":"ES256",`, "", `"use":"sig",`, "", `,"use":"sig"`, "").Replace(key[1:])
			text := strings.NewReplacer("KEY", key, "REST", rest, "URL", fx.issuer.URL).Replace(test.text)
			fx.mu.Lock()
			fx.odd = map[string]string{test.path: text}
			fx.mu.Unlock()
			fx.want(t, fx.post(publishPath, tokenBody(fx.idToken(audience, nil))), test.status)
		})
	}
}

// TestIdentityHasOneForm: neither the spare bits of base64 nor the second form of an ECDSA signature make a new token.
func TestIdentityHasOneForm(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	fx := newFixture(t)
	token := fx.idToken(audience, map[string]any{"jti": nil}).Reveal()
	forms := []string{token}
	for i := range 64 {
		forms = append(forms, token[:len(token)-1]+string(alphabet[i]))
	}
	end := strings.LastIndexByte(token, '.') + 1
	raw, err := base64.RawURLEncoding.DecodeString(token[end:])
	must(t, err)
	n, _ := new(big.Int).SetString(p256, 16)
	s := new(big.Int).Sub(n, new(big.Int).SetBytes(raw[32:]))
	s.FillBytes(raw[32:])
	second := token[:end] + base64.RawURLEncoding.EncodeToString(raw)
	forms = append(forms, second, token+"=", token+"A", strings.Replace(token, ".", "A.", 1))
	granted, replays := 0, 0
	for _, form := range forms {
		got := fx.post(publishPath, tokenBody(regpass.NewSecret(form)))
		if got.status == 200 {
			granted++
			continue
		}
		fx.want(t, got, 401)
		if strings.Contains(got.body, "already exchanged; each one works once") {
			replays++
		}
	}
	// The token itself comes twice among its 64 neighbours.
	if granted != 1 || replays != 2 {
		t.Errorf("%d forms of one token were exchanged, %d were known: want 1 and 2", granted, replays)
	}
}

// TestIdentityIsGoodOnceForAllPolicies: one that two policies take is exchanged once, too.
func TestIdentityIsGoodOnceForAllPolicies(t *testing.T) {
	for _, paths := range [][2]string{{publishPath, accessPath}, {accessPath, publishPath}} {
		fx := newFixture(t)
		token := tokenBody(fx.idToken(audience, nil))
		fx.want(t, fx.post(paths[0], token), 200)
		got := fx.post(paths[1], token)
		if fx.want(t, got, 401); !strings.Contains(got.body, "already exchanged; each one works once") {
			t.Errorf("answer %s", got.body)
		}
	}
}

// TestIdentitySaysNothingTwice: of two claims of one name, one reader takes the first and another the last.
func TestIdentitySaysNothingTwice(t *testing.T) {
	fx := newFixture(t)
	token := fx.idToken(audience, nil)
	parts := strings.Split(token.Reveal(), ".")
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	must(t, err)
	twice := base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(raw), "{", `{"aud":"x",`, 1)))
	j, err := json.Marshal(map[string]string{"token": parts[0] + "." + twice + "." + parts[2]})
	must(t, err)
	got := fx.post(publishPath, string(j))
	if fx.want(t, got, 401); !strings.Contains(got.body, "names something twice") {
		t.Errorf("answer %s", got.body)
	}
}
