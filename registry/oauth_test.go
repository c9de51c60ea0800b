package registry_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/registry"
)

const (
	oauthIssuer = "https://login.example/realms/acme"
	byRFC8693   = "https://pkgs.example/simple/ type=token-exchange"
	byRFC7523   = "https://pkgs.example/simple/ type=jwt-bearer"
)

func TestOAuth(t *testing.T) {
	const (
		tokenType = "urn:ietf:params:oauth:token-type:"
		token     = "POST https://login.example/realms/acme/token"
		revoke    = "POST https://login.example/realms/acme/revoke"
		metadata  = "GET https://login.example/.well-known/oauth-authorization-server/realms/acme"
		oidc      = "GET https://login.example/realms/acme/.well-known/openid-configuration"
		atToken   = " token-url=" + oauthIssuer + "/token"
	)
	for name, test := range map[string]struct {
		ref    string
		change func(*fake.OAuth)
		want   regpass.Credential // without its secret
		asked  []string           // by the exchange and the revocation; without the latter it ends by itself
	}{
		"RFC 8693": {byRFC8693 + atToken + " audience=" + oauthIssuer, nil, regpass.Credential{Kind: regpass.Bearer,
			Expires: now().Add(10 * time.Minute)}, []string{token}},
		"all that it may ask for": {byRFC8693 + atToken + " request-audience=pkgs resource=https://pkgs.example scope=a,b " +
			"subject-token-type=jwt requested-token-type=urn:x:y username=ci revoke-url=" +
			oauthIssuer + "/revoke", func(o *fake.OAuth) {
			o.Audience = oauthIssuer + "/token"
			o.Fields = map[string]string{"subject_token_type": tokenType + "jwt", "requested_token_type": "urn:x:y",
				"audience": "pkgs", "resource": "https://pkgs.example", "scope": "a b"}
		}, regpass.Credential{Kind: regpass.Basic, Username: "ci", Expires: now().Add(10 * time.Minute)},
			[]string{token, revoke}},
		"metadata": {byRFC8693 + " issuer=" + oauthIssuer, nil, regpass.Credential{Kind: regpass.Bearer,
			Expires: now().Add(10 * time.Minute)}, []string{metadata, token, metadata, revoke}},
		"OpenID Connect's metadata, a client with a secret": {byRFC8693 + " issuer=" + oauthIssuer +
			" client-id=a:b client-secret-var=THE_SECRET", func(o *fake.OAuth) {
			o.OIDC, o.ClientID, o.ClientSecret = true, "a:b", "s3cr&t of a client"
		}, regpass.Credential{Kind: regpass.Bearer, Expires: now().Add(10 * time.Minute)},
			[]string{metadata, oidc, token, metadata, oidc, revoke}},
		"a secret in a JSON body, another answer": {byRFC8693 + atToken + " audience=" + oauthIssuer + " body=json " +
			"client-id=ci client-secret-var=THE_SECRET client-auth=post token-field=data.token " +
			"expires-field=data.ends expires-unit=unix",
			func(o *fake.OAuth) {
				o.JSON, o.Post, o.ClientID, o.ClientSecret = true, true, "ci", "s3cr&t of a client"
				o.Answer = func(token string) map[string]any {
					return map[string]any{"data": map[string]any{"token": token, "ends": now().Add(time.Hour).Unix()}}
				}
			}, regpass.Credential{Kind: regpass.Bearer, Expires: now().Add(time.Hour)}, []string{token}},
		"a date": {byRFC8693 + atToken + " audience=" + oauthIssuer + " expires-field=expiry expires-unit=rfc3339",
			func(o *fake.OAuth) {
				o.Answer = func(token string) map[string]any {
					return map[string]any{"access_token": token, "expiry": now().Add(time.Hour).Format(time.RFC3339)}
				}
			}, regpass.Credential{Kind: regpass.Bearer, Expires: now().Add(time.Hour)}, []string{token}},
		"RFC 7523, the grant": {byRFC7523 + " issuer=" + oauthIssuer + " client-id=ci client-secret-var=THE_SECRET",
			func(o *fake.OAuth) {
				o.ClientID, o.ClientSecret = "ci", "s3cr&t of a client"
				o.Grant, o.Proof = "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion"
				o.Fields = nil
			}, regpass.Credential{Kind: regpass.Bearer, Expires: now().Add(10 * time.Minute)},
			[]string{metadata, token, metadata, revoke}},
		"RFC 7523, in place of the client's secret": {byRFC7523 + atToken + " audience=" + oauthIssuer + " grant=client",
			func(o *fake.OAuth) {
				o.Grant, o.Proof = "client_credentials", "client_assertion"
				o.Fields = map[string]string{
					"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}
			}, regpass.Credential{Kind: regpass.Bearer, Expires: now().Add(10 * time.Minute)}, []string{token}},
	} {
		t.Run(name, func(t *testing.T) {
			server := fake.NewOAuth(oauthIssuer)
			if test.change != nil {
				test.change(server)
			}
			w := newFixture(server)
			w.vars["THE_SECRET"] = "s3cr&t of a client"
			target, err := registry.Open(w.Env, ref(t, test.ref))
			if err != nil {
				t.Fatal(said(err))
			}
			cred, err := target.Exchange(t.Context(), w.Env, (&job{t: t}).proof())
			if err != nil {
				t.Fatal(said(err), server.Wrong())
			}
			if cred.Registry != target.Row.Name || cred.Host != "pkgs.example" || cred.Kind != test.want.Kind ||
				cred.Username != test.want.Username || !cred.Expires.Equal(test.want.Expires) || len(server.Tokens) != 1 {
				t.Errorf("got %+v", cred)
			}
			at, _ := url.Parse(target.Revoker.String())
			switch err := target.Row.Revoke(t.Context(), w.Env, at, cred); {
			case errors.Is(err, registry.ErrEndsItself) && !slices.Contains(test.asked, revoke):
			case err != nil || len(server.Tokens) > 0:
				t.Errorf("revoke: %v, left %v", err, server.Tokens)
			}
			if !slices.Equal(w.asked, test.asked) || len(server.Wrong()) > 0 {
				t.Errorf("asked %q, wrong %q", w.asked, server.Wrong())
			}
		})
	}
}

func TestOAuthRefusals(t *testing.T) {
	const withIssuer = byRFC8693 + " issuer=" + oauthIssuer
	secret := base64.StdEncoding.EncodeToString([]byte("ci:a-wrong-secret"))
	for name, test := range map[string]struct {
		ref    string
		change func(*fake.OAuth)
		says   []string
	}{
		"audience": {withIssuer + " audience=other", nil, []string{"token-exchange: exchange the CI identity: POST", "400",
			"Invalid token audience", "does not trust the identity", "regpass trust"}},
		"grant": {byRFC7523 + " issuer=" + oauthIssuer, nil, []string{"jwt-bearer: ", "does not offer this grant"}},
		"client": {withIssuer + " client-id=ci client-secret-var=WRONG", func(o *fake.OAuth) {
			o.ClientID, o.ClientSecret = "ci", "right"
		}, []string{"401", "does not know the client"}},
		"no secret": {withIssuer + " client-id=ci client-secret-var=NONE", nil, []string{`the variable "NONE"`, "is empty"}},
		"another issuer": {withIssuer, func(o *fake.OAuth) { o.Metadata = map[string]any{"issuer": "https://evil.example"} },
			[]string{`the server calls itself "https://evil.example"`}},
		"another server's endpoint": {withIssuer, func(o *fake.OAuth) {
			o.Metadata = map[string]any{"token_endpoint": "https://evil.example/token"}
		}, []string{`the token_endpoint is on "evil.example"`, "write token-url= instead"}},
		"no TLS": {withIssuer, func(o *fake.OAuth) {
			o.Metadata = map[string]any{"token_endpoint": "http://login.example/token"}
		}, []string{"which is not the issuer's server"}},
		"no endpoint": {withIssuer, func(o *fake.OAuth) { o.Metadata = map[string]any{"token_endpoint": nil} },
			[]string{"the answer has no token_endpoint"}},
		"no metadata": {byRFC8693 + " issuer=https://login.example/other", nil, []string{"404", "write token-url= instead"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := fake.NewOAuth(oauthIssuer)
			if test.change != nil {
				test.change(server)
			}
			w := newFixture(server)
			w.vars["WRONG"] = "a-wrong-secret"
			j := &job{t: t}
			_, err := w.exchange(t.Context(), ref(t, test.ref), j.proof())
			mustSay(t, err, test.says...)
			mustHide(t, err, append(j.tokens, "a-wrong-secret", secret)...)
			for _, a := range w.asked {
				if !strings.Contains(a, "https://login.example/") {
					t.Errorf("asked %s", a)
				}
			}
		})
	}
	const at = " token-url=https://a.example/t"
	for text, says := range map[string]string{
		byRFC8693: "add token-url= or issuer=",
		byRFC8693 + at + " issuer=https://a.example":                     "name two servers",
		byRFC8693 + " token-url=http://login.example/token":              "neither https nor on this machine",
		byRFC8693 + " issuer=ftp://login.example":                        "neither https nor on this machine",
		byRFC8693 + at + " revoke-url=https://b.example":                 "on another server",
		byRFC8693 + at + " client-secret-var=X":                          "goes with client-id=",
		byRFC8693 + at + " client-secret=abc":                            "unknown option",
		byRFC8693 + at + " body=xml":                                     "unknown body",
		byRFC7523 + at + " grant=client client-id=a client-secret-var=X": "leave client-secret-var= out",
	} {
		_, err := registry.Open(newFixture(nil).Env, ref(t, text))
		mustSay(t, err, says)
	}
}

func TestPassthrough(t *testing.T) {
	for text, want := range map[string]struct {
		audience string
		cred     regpass.Credential
	}{
		"https://pkgs.example/simple type=passthrough": {"https://pkgs.example", regpass.Credential{Kind: regpass.Bearer}},
		"https://pkgs.example:8443 type=passthrough audience=a username=buildkite": {"a",
			regpass.Credential{Kind: regpass.Basic, Username: "buildkite"}},
		"https://pkgs.example type=passthrough username=x kind=bearer": {"https://pkgs.example",
			regpass.Credential{Kind: regpass.Bearer, Username: "x"}},
	} {
		w, j := newFixture(http.NotFoundHandler()), &job{t: t}
		target, err := registry.Open(w.Env, ref(t, text))
		if err != nil || target.Audience != want.audience {
			t.Errorf("%s: %q, %v", text, target.Audience, err)
			continue
		}
		cred, err := target.Exchange(t.Context(), w.Env, j.proof())
		if err != nil || cred.Secret.Reveal() != j.tokens[0] || cred.Kind != want.cred.Kind ||
			cred.Username != want.cred.Username || !cred.Expires.Equal(now().Add(5*time.Minute)) || len(w.asked) > 0 {
			t.Errorf("%s: %+v, %v, asked %q", text, cred, err, w.asked)
		}
	}
	_, err := newFixture(nil).exchange(t.Context(), ref(t, "https://pkgs.example type=passthrough"),
		key(regpass.APIKey, "REGPASS_API_KEY", "x"))
	mustSay(t, err, "passthrough: ", "takes no API key")
}

func oauthWays(t *testing.T, by func(registry.Proof) func(context.Context, *fixture, regpass.Ref) error) []way {
	j := &job{t: t}
	exchange := way{name: "token-exchange", ref: byRFC8693 + " issuer=" + oauthIssuer, run: by(j.proof()), before: 1,
		server: func() http.Handler { return fake.NewOAuth(oauthIssuer) }, sent: func() []string { return j.tokens },
		broken: []string{`{"access_token":%s}`}, end: `{"access_token":"at-0123456789abcdef","expires_in":%s}`}
	metadata := exchange
	metadata.name, metadata.before, metadata.broken = "token-exchange's metadata", 0, nil
	metadata.end = ""
	bearer := exchange
	bearer.name, bearer.ref, bearer.before = "jwt-bearer", byRFC7523+" token-url="+oauthIssuer+"/token", 0
	return []way{exchange, metadata, bearer}
}
