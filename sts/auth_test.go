package sts_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/regpass/regpass"
)

const project = "/simple/acme/main/demo-pkg/"

func basic(user string, s regpass.Secret) http.Header {
	return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+s.Reveal()))}}
}

func TestPresenting(t *testing.T) {
	fx := newFixture(t)
	token := fx.token(fx.dev)
	none := http.Header{}
	for _, test := range []struct {
		name   string
		path   string
		header http.Header
		status int
	}{
		{"bearer", project, bearer(token), 200},
		{"bearer in lower case", project, http.Header{"Authorization": {"bearer " + token.Reveal()}}, 200},
		{"basic", project, basic("__token__", token), 200},
		{"basic without a name", project, basic("", token), 200},
		{"in the path", "/t/" + token.Reveal() + project, none, 200},
		{"in the path, of a channel", "/t/" + token.Reveal() + "/conda/acme/chan/noarch/repodata.json", none, 200},
		{"in the path, with another in the header", "/t/" + token.Reveal() + project, basic("someone", fx.dev), 200},
		{"nothing", project, none, 401},
		{"basic with another name", project, basic("me", token), 401},
		{"an API key", project, bearer(fx.dev), 401},
		{"nothing in the path", "/t/" + project, none, 401},
		{"nonsense in the path", "/t/x" + project, none, 401},
		{"twice in the path", "/t/" + token.Reveal() + "/t/" + token.Reveal() + project, none, 400},
		{"alone in the path", "/t/" + token.Reveal(), none, 400},
		{"an empty bearer", project, http.Header{"Authorization": {"Bearer "}}, 401},
		{"another scheme", project, http.Header{"Authorization": {"Digest x"}}, 401},
		{"two headers", project, http.Header{"Authorization": {"Bearer " + token.Reveal(), "Bearer " + token.Reveal()}}, 401},
		{"too long", project, http.Header{"Authorization": {"Bearer " + strings.Repeat("a", regpass.MaxToken+1)}}, 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := fx.do(ask{path: test.path, header: test.header})
			fx.want(t, got, test.status)
			if all := got.header["Www-Authenticate"]; test.status == 401 &&
				(len(all) != 2 || !strings.HasPrefix(all[1], `Bearer realm="regpass", type="pyx"`)) {
				t.Errorf("WWW-Authenticate %q", got.header["Www-Authenticate"])
			}
		})
	}
}

// forge signs claims with the service's own key, so that only what is said can be refused.
func (fx *fixture) forge(method jwt.SigningMethod, key any, kid string, over map[string]any) regpass.Secret {
	fx.t.Helper()
	now := fx.clock.now().Unix()
	claims := jwt.MapClaims{"iss": origin, "aud": origin, "sub": "key:dev", "jti": "1", "iat": now, "nbf": now,
		"exp":        now + 60,
		"workspaces": []string{"acme"}, "permissions": []string{"read"}}
	maps.Copy(claims, over)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	t := jwt.NewWithClaims(method, claims)
	t.Header["kid"] = kid
	signed, err := t.SignedString(key)
	must(fx.t, err)
	s := regpass.NewSecret(signed)
	fx.secrets = append(fx.secrets, s)
	return s
}

func TestForgedTokens(t *testing.T) {
	fx := newFixture(t)
	own, err := regpass.DecodeJWT(fx.token(fx.dev))
	must(t, err)
	if own.Issuer != origin {
		t.Fatalf("issuer %q", own.Issuer)
	}
	header := strings.Split(fx.token(fx.dev).Reveal(), ".")[0]
	raw, err := base64.RawURLEncoding.DecodeString(header)
	must(t, err)
	_, rest, _ := strings.Cut(string(raw), `"kid":"`)
	kid, _, _ := strings.Cut(rest, `"`)
	ed, public := jwt.SigningMethodEdDSA, []byte(fx.signing.Public().(ed25519.PublicKey))
	for _, test := range []struct {
		name   string
		token  regpass.Secret
		status int
	}{
		{"as the service makes it", fx.forge(ed, fx.signing, kid, nil), 200},
		{"another issuer", fx.forge(ed, fx.signing, kid, map[string]any{"iss": "https://other.example"}), 401},
		{"another audience", fx.forge(ed, fx.signing, kid, map[string]any{"aud": "pyx"}), 401},
		{"no audience", fx.forge(ed, fx.signing, kid, map[string]any{"aud": nil}), 401},
		{"expired", fx.forge(ed, fx.signing, kid, map[string]any{"exp": fx.clock.now().Unix()}), 401},
		{"no end", fx.forge(ed, fx.signing, kid, map[string]any{"exp": nil}), 401},
		{"not yet", fx.forge(ed, fx.signing, kid, map[string]any{"nbf": fx.clock.now().Unix() + 5}), 401},
		{"another workspace", fx.forge(ed, fx.signing, kid, map[string]any{"workspaces": []string{"beta"}}), 403},
		{"no workspace", fx.forge(ed, fx.signing, kid, map[string]any{"workspaces": nil}), 403},
		{"no permission", fx.forge(ed, fx.signing, kid, map[string]any{"permissions": nil}), 403},
		{"claims of other types", fx.forge(ed, fx.signing, kid, map[string]any{"workspaces": "acme"}), 401},
		{"another key's id", fx.forge(ed, fx.signing, "other", nil), 401},
		{"alg none", fx.forge(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, kid, nil), 401},
		{"HS256 with the public key", fx.forge(jwt.SigningMethodHS256, public, kid, nil), 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			for range 2 { // from the cache too
				fx.want(t, fx.do(ask{path: project, header: bearer(test.token)}), test.status)
			}
		})
	}
}

func TestTokensEnd(t *testing.T) {
	fx := newFixture(t)
	token, brief := fx.token(fx.dev), fx.token(fx.reader)
	fx.want(t, fx.do(ask{path: project, header: bearer(token)}), 200)
	fx.clock.forward(time.Hour - time.Second)
	fx.want(t, fx.do(ask{path: project, header: bearer(token)}), 200)
	fx.want(t, fx.do(ask{path: project, header: bearer(brief)}), 200)
	fx.clock.forward(time.Second)
	fx.want(t, fx.do(ask{path: project, header: bearer(token)}), 401)
	fx.clock.forward(46*time.Hour + 30*time.Minute) // the reader's key has half an hour left, and so has what it gets
	said, err := regpass.DecodeJWT(fx.token(fx.reader))
	must(t, err)
	if left := said.Expires.Sub(fx.clock.now()); left != 30*time.Minute {
		t.Errorf("the token outlives its key: it has %s", left)
	}
	fx.clock.forward(30 * time.Minute)
	fx.want(t, fx.do(ask{method: "POST", path: "/auth/cli/access-token", header: bearer(fx.reader)}), 401)
}

func TestAPIKeys(t *testing.T) {
	fx := newFixture(t)
	path := "/auth/cli/access-token"
	fx.want(t, fx.do(ask{method: "POST", path: path}), 401)
	fx.want(t, fx.do(ask{method: "POST", path: path, header: bearer(regpass.NewSecret("sk-regpass-unknown"))}), 401)
	fx.want(t, fx.do(ask{method: "POST", path: path, header: basic("__token__", fx.dev)}), 401)
	fx.want(t, fx.do(ask{method: "GET", path: path, header: bearer(fx.dev)}), 405)
	if !strings.HasPrefix(fx.dev.Reveal(), "sk-regpass-") || len(fx.dev.Reveal()) != len("sk-regpass-")+43 {
		t.Error("a key is not prefix and 32 bytes in base64url")
	}
}

func TestLogout(t *testing.T) {
	fx := newFixture(t)
	token, another := fx.token(fx.dev), fx.token(fx.dev)
	fx.want(t, fx.do(ask{path: project, header: bearer(token)}), 200) // so that it is cached
	fx.want(t, fx.do(ask{path: "/auth/cli/logout"}), 401)
	fx.want(t, fx.do(ask{path: "/auth/cli/logout", header: bearer(token)}), 200)
	fx.want(t, fx.do(ask{path: "/auth/cli/logout", header: bearer(token)}), 401)
	fx.want(t, fx.do(ask{path: project, header: bearer(token)}), 401)
	fx.want(t, fx.do(ask{path: project, header: bearer(another)}), 200)
}
