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
	w := newWorld(t)
	token := w.token(w.dev)
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
		{"in the path, with another in the header", "/t/" + token.Reveal() + project, basic("someone", w.dev), 200},
		{"nothing", project, none, 401},
		{"basic with another name", project, basic("me", token), 401},
		{"an API key", project, bearer(w.dev), 401},
		{"nothing in the path", "/t/" + project, none, 401},
		{"nonsense in the path", "/t/x" + project, none, 401},
		{"twice in the path", "/t/" + token.Reveal() + "/t/" + token.Reveal() + project, none, 400},
		{"alone in the path", "/t/" + token.Reveal(), none, 404},
		{"an empty bearer", project, http.Header{"Authorization": {"Bearer "}}, 401},
		{"another scheme", project, http.Header{"Authorization": {"Digest x"}}, 401},
		{"two headers", project, http.Header{"Authorization": {"Bearer " + token.Reveal(), "Bearer " + token.Reveal()}}, 401},
		{"too long", project, http.Header{"Authorization": {"Bearer " + strings.Repeat("a", regpass.MaxToken+1)}}, 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := w.do(ask{path: test.path, header: test.header})
			w.want(t, got, test.status)
			if test.status == 401 && len(got.header["Www-Authenticate"]) != 2 {
				t.Errorf("WWW-Authenticate %q", got.header["Www-Authenticate"])
			}
		})
	}
}

// forge signs claims with the service's own key, so that only what is said can be refused.
func (w *world) forge(method jwt.SigningMethod, key any, kid string, over map[string]any) regpass.Secret {
	w.t.Helper()
	now := w.clock.now().Unix()
	claims := jwt.MapClaims{"iss": origin, "aud": origin, "sub": "key:dev", "jti": "1", "iat": now, "nbf": now, "exp": now + 60,
		"workspaces": []string{"acme"}, "permissions": []string{"read"}}
	maps.Copy(claims, over)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	t := jwt.NewWithClaims(method, claims)
	t.Header["kid"] = kid
	signed, err := t.SignedString(key)
	must(w.t, err)
	s := regpass.NewSecret(signed)
	w.secrets = append(w.secrets, s)
	return s
}

func TestForgedTokens(t *testing.T) {
	w := newWorld(t)
	own, err := regpass.DecodeJWT(w.token(w.dev))
	must(t, err)
	if own.Issuer != origin {
		t.Fatalf("issuer %q", own.Issuer)
	}
	header := strings.Split(w.token(w.dev).Reveal(), ".")[0]
	raw, err := base64.RawURLEncoding.DecodeString(header)
	must(t, err)
	_, rest, _ := strings.Cut(string(raw), `"kid":"`)
	kid, _, _ := strings.Cut(rest, `"`)
	ed, public := jwt.SigningMethodEdDSA, []byte(w.signing.Public().(ed25519.PublicKey))
	for _, test := range []struct {
		name   string
		token  regpass.Secret
		status int
	}{
		{"as the service makes it", w.forge(ed, w.signing, kid, nil), 200},
		{"another issuer", w.forge(ed, w.signing, kid, map[string]any{"iss": "https://other.example"}), 401},
		{"another audience", w.forge(ed, w.signing, kid, map[string]any{"aud": "pyx"}), 401},
		{"no audience", w.forge(ed, w.signing, kid, map[string]any{"aud": nil}), 401},
		{"expired", w.forge(ed, w.signing, kid, map[string]any{"exp": w.clock.now().Unix()}), 401},
		{"no end", w.forge(ed, w.signing, kid, map[string]any{"exp": nil}), 401},
		{"not yet", w.forge(ed, w.signing, kid, map[string]any{"nbf": w.clock.now().Unix() + 5}), 401},
		{"another workspace", w.forge(ed, w.signing, kid, map[string]any{"workspaces": []string{"beta"}}), 403},
		{"no workspace", w.forge(ed, w.signing, kid, map[string]any{"workspaces": nil}), 403},
		{"no permission", w.forge(ed, w.signing, kid, map[string]any{"permissions": nil}), 403},
		{"claims of other types", w.forge(ed, w.signing, kid, map[string]any{"workspaces": "acme"}), 401},
		{"another key's id", w.forge(ed, w.signing, "other", nil), 401},
		{"alg none", w.forge(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, kid, nil), 401},
		{"HS256 with the public key", w.forge(jwt.SigningMethodHS256, public, kid, nil), 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			for range 2 { // from the cache too
				w.want(t, w.do(ask{path: project, header: bearer(test.token)}), test.status)
			}
		})
	}
}

func TestTokensEnd(t *testing.T) {
	w := newWorld(t)
	token, brief := w.token(w.dev), w.token(w.reader)
	w.want(t, w.do(ask{path: project, header: bearer(token)}), 200)
	w.clock.forward(time.Hour - time.Second)
	w.want(t, w.do(ask{path: project, header: bearer(token)}), 200)
	w.want(t, w.do(ask{path: project, header: bearer(brief)}), 200)
	w.clock.forward(time.Second)
	w.want(t, w.do(ask{path: project, header: bearer(token)}), 401)
	w.clock.forward(46*time.Hour + 30*time.Minute) // the reader's key has half an hour left, and so has what it gets
	said, err := regpass.DecodeJWT(w.token(w.reader))
	must(t, err)
	if left := said.Expires.Sub(w.clock.now()); left != 30*time.Minute {
		t.Errorf("the token outlives its key: it has %s", left)
	}
	w.clock.forward(30 * time.Minute)
	w.want(t, w.do(ask{method: "POST", path: "/auth/cli/access-token", header: bearer(w.reader)}), 401)
}

func TestAPIKeys(t *testing.T) {
	w := newWorld(t)
	path := "/auth/cli/access-token"
	w.want(t, w.do(ask{method: "POST", path: path}), 401)
	w.want(t, w.do(ask{method: "POST", path: path, header: bearer(regpass.NewSecret("sk-regpass-unknown"))}), 401)
	w.want(t, w.do(ask{method: "POST", path: path, header: basic("__token__", w.dev)}), 401)
	w.want(t, w.do(ask{method: "GET", path: path, header: bearer(w.dev)}), 405)
	if !strings.HasPrefix(w.dev.Reveal(), "sk-regpass-") || len(w.dev.Reveal()) != len("sk-regpass-")+43 {
		t.Error("a key is not prefix and 32 bytes in base64url")
	}
}

func TestLogout(t *testing.T) {
	w := newWorld(t)
	token, another := w.token(w.dev), w.token(w.dev)
	w.want(t, w.do(ask{path: project, header: bearer(token)}), 200) // so that it is cached
	w.want(t, w.do(ask{path: "/auth/cli/logout"}), 401)
	w.want(t, w.do(ask{path: "/auth/cli/logout", header: bearer(token)}), 200)
	w.want(t, w.do(ask{path: "/auth/cli/logout", header: bearer(token)}), 401)
	w.want(t, w.do(ask{path: project, header: bearer(token)}), 401)
	w.want(t, w.do(ask{path: project, header: bearer(another)}), 200)
}
