package sts_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/sts"
)

const (
	publishPath = "/v1/trusted-publishing/acme/main/mint-token"
	accessPath  = "/v1/trusted-access/acme/mint-token"
)

func TestTrustedPublishing(t *testing.T) {
	fx := newFixture(t)
	got := fx.do(ask{path: "/v1/trusted-publishing/audience"})
	fx.want(t, got, 200)
	if strings.TrimSpace(got.body) != `{"audience":"`+audience+`"}` {
		t.Fatalf("audience: %s", got.body)
	}
	got = fx.post(publishPath, tokenBody(fx.idToken(audience, nil)))
	fx.want(t, got, 200)
	var minted struct {
		Success bool
		Token   string
		Expires int64
	}
	must(t, json.Unmarshal([]byte(got.body), &minted))
	if !minted.Success || minted.Expires != fx.clock.now().Add(time.Hour).Unix() {
		t.Errorf("answer %+v", minted)
	}
	token := regpass.NewSecret(minted.Token)
	said, err := regpass.DecodeJWT(token)
	must(t, err)
	want := map[string]any{"iss": origin, "sub": "trust:publish", "index": "main", "via": "trusted-publishing",
		"urn:pyx:org_name": "acme"}
	for name, v := range want {
		if said.All[name] != v {
			t.Errorf("claim %s is %v, want %v", name, said.All[name], v)
		}
	}
	line := fx.lastAudit()
	for name, v := range map[string]any{
		"decision": "allow", "endpoint": "trusted-publishing", "policy": "publish", "workspace": "acme",
		"actor": "repo:acme/app:ref:refs/tags/v1", "issuer": fx.issuer.URL, "jti": said.ID} {
		if line[name] != v {
			t.Errorf("audit %s is %v, want %v", name, line[name], v)
		}
	}
	fx.want(t, fx.do(ask{path: "/simple/acme/main/demo-pkg/", header: bearer(token)}), 403) // write is not read
}

func TestTrustedAccess(t *testing.T) {
	fx := newFixture(t)
	list := map[string]any{"aud": []string{"other", audience}}
	got := fx.post(accessPath, tokenBody(fx.idToken(audience, list)))
	fx.want(t, got, 200)
	token := field(t, got, "token")
	fx.want(t, fx.do(ask{path: "/simple/acme/main/demo-pkg/", header: bearer(token)}), 200)
	fx.clock.forward(10 * time.Minute)
	fx.want(t, fx.do(ask{path: "/simple/acme/main/demo-pkg/", header: bearer(token)}), 401) // the policy's lifetime
}

func TestExchangeRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		path   string
		claims map[string]any
		status int
		says   string // in the answer
		audit  string // in the reason
	}{
		{"another audience", publishPath, map[string]any{"aud": "pypi"}, 401,
			`its claim aud is \"pypi\", and policies for write take \"127.0.0.1:8080\"`, "another audience"},
		{"the audience of all", publishPath, map[string]any{"aud": "pyx"}, 401, "another audience", "another audience"},
		{"several audiences", publishPath, map[string]any{"aud": []string{"a", "b"}}, 401,
			`its claim aud is \"[\\\"a\\\",\\\"b\\\"]\"`, "another audience"},
		{"no audience", publishPath, map[string]any{"aud": nil}, 401, `its claim aud is missing`, "another audience"},
		{"an audience in capitals", publishPath, map[string]any{"aud": nil, "AUD": audience}, 401,
			`its claim aud is missing`, "another audience"},
		{"an end in capitals", publishPath, map[string]any{"exp": nil, "EXP": int64(4e9)}, 401, "is invalid or has expired",
			"exp claim is required"},
		{"another issuer", publishPath, map[string]any{"iss": "https://issuer.invalid"}, 401,
			"no trust policy names the issuer", "no trust policy"},
		{"no issuer", publishPath, map[string]any{"iss": ""}, 401, "the token has no claim iss", "no trust policy"},
		{"expired", publishPath, map[string]any{"exp": int64(1000)}, 401, "is invalid or has expired", "expired"},
		{"no end", publishPath, map[string]any{"exp": nil}, 401, "is invalid or has expired", "exp claim is required"},
		{"made in the future", publishPath, map[string]any{"iat": int64(4e9)}, 401, "is invalid or has expired",
			"used before issued"},
		{"not yet valid", publishPath, map[string]any{"nbf": int64(4e9)}, 401, "is invalid or has expired", "not valid yet"},
		{"another repository", publishPath, map[string]any{"repository": "evil/app"}, 403,
			"check: iss, aud, ref, repository\"",
			"publish: claim \"repository\""},
		{"a repository that goes on", publishPath, map[string]any{"repository": "acme/app2"}, 403, "check: ",
			"claim \"repository\""},
		{"a claim that is absent", publishPath, map[string]any{"ref": nil, "REF": "refs/tags/v1"}, 403,
			"no trust policy; it lacks: ref; policies for write check: iss, aud, ref, repository\"", "claim \"ref\""},
		{"another workspace", "/v1/trusted-publishing/beta/main/mint-token", nil, 403, "check: ",
			"publish: another workspace"},
		{"a workspace that is not", "/v1/trusted-publishing/nowhere/main/mint-token", nil, 403, "check: ",
			"publish: another workspace"},
		{"an index that is not", "/v1/trusted-publishing/acme/nowhere/mint-token", nil, 404, "no such index",
			"no such index"},
		{"a jti that is no text", publishPath, map[string]any{"jti": 7}, 401, "jti is not a string", "jti"},
	} {
		t.Run(test.name, func(t *testing.T) {
			fx := newFixture(t)
			got := fx.post(test.path, tokenBody(fx.idToken(audience, test.claims)))
			fx.want(t, got, test.status)
			if !strings.Contains(got.body, test.says) {
				t.Errorf("the answer does not say %q: %s", test.says, got.body)
			}
			if line := fx.lastAudit(); line["decision"] != "deny" || !strings.Contains(line["reason"].(string), test.audit) {
				t.Errorf("audit: %v", line)
			}
			if strings.Contains(got.body, "refs/tags/v*") || strings.Contains(got.body, "publish: ") {
				t.Errorf("the answer shows a policy: %s", got.body)
			}
		})
	}
}

func TestExchangeRefusesBodies(t *testing.T) {
	fx := newFixture(t)
	for body, status := range map[string]int{
		"":                         400,
		"{}":                       400,
		`{"token":7}`:              400,
		`{"token":"a b"}`:          400,
		`{"token":"not-a-token"}`:  401,
		`{"token":"a.b.c"}`:        401,
		`{"token":"e30.e30.e30"}`:  401,
		`{"token":"e30.bnVsbA.x"}`: 401,
		`{"token":"` + strings.Repeat("a", regpass.MaxToken+2048) + `"}`: 413,
	} {
		fx.want(t, fx.post(publishPath, body), status)
	}
}

// TestForgedIdentity signs with everything but the issuer's key.
func TestForgedIdentity(t *testing.T) {
	fx := newFixture(t)
	real := fx.idToken(audience, nil)
	claims, err := regpass.DecodeJWT(real)
	must(t, err)
	stranger, err := fake.NewIssuer("ES256")
	must(t, err)
	stranger.URL = fx.issuer.URL
	foreign, err := stranger.Sign(claims.All)
	must(t, err)
	unsigned := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims(claims.All))
	none, err := unsigned.SignedString(jwt.UnsafeAllowNoneSignatureType)
	must(t, err)
	keys := fx.issuerKeys()
	hmac, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims(claims.All)).SignedString([]byte(keys))
	must(t, err)
	parts := strings.Split(real.Reveal(), ".")
	for name, token := range map[string]string{
		"a stranger's key": foreign.Reveal(), "alg none": none, "HS256 with the public key": hmac,
		"a changed payload":  parts[0] + "." + strings.Split(none, ".")[1] + "x." + parts[2],
		"without signature":  parts[0] + "." + parts[1] + ".",
		"JSON serialization": `{"payload":"` + parts[1] + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			j, _ := json.Marshal(map[string]string{"token": token})
			fx.want(t, fx.post(publishPath, string(j)), 401)
		})
	}
	fx.want(t, fx.post(publishPath, tokenBody(real)), 200)
}

// issuerKeys is what the issuer publishes.
func (fx *fixture) issuerKeys() string {
	fx.t.Helper()
	res, err := http.Get(fx.issuer.URL + "/.well-known/jwks")
	must(fx.t, err)
	defer res.Body.Close()
	var keys json.RawMessage
	must(fx.t, json.NewDecoder(res.Body).Decode(&keys))
	return string(keys)
}

func TestIssuerIsAskedSparingly(t *testing.T) {
	fx := newFixture(t)
	fx.post(publishPath, tokenBody(fx.idToken(audience, map[string]any{"iss": "https://issuer.invalid"})))
	if asked := fx.asked.String(); asked != "" {
		t.Fatalf("an unknown issuer led to the requests %s", asked)
	}
	stranger, err := fake.NewIssuer("ES256")
	must(t, err)
	stranger.URL = fx.issuer.URL
	for range 20 {
		forged, err := stranger.Sign(map[string]any{"aud": "pyx", "exp": fx.clock.now().Add(time.Minute).Unix()})
		must(t, err)
		fx.want(t, fx.post(publishPath, tokenBody(forged)), 401)
	}
	if asked := fx.asked.String(); strings.Count(asked, "\n") != 2 {
		t.Fatalf("20 forged tokens led to the requests\n%s", asked)
	}
	fx.want(t, fx.post(publishPath, tokenBody(fx.idToken(audience, nil))), 200)
	fx.clock.forward(2 * time.Hour) // keys are read again, in case one was withdrawn
	fx.want(t, fx.post(publishPath, tokenBody(fx.idToken(audience, nil))), 200)
	fx.awaitAsked(4)
	if asked := fx.asked.String(); strings.Count(asked, "\n") != 4 {
		t.Fatalf("requests\n%s", asked)
	}
}

// unreachable fails all requests.
type unreachable struct{}

func (unreachable) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, http.ErrServerClosed
}

func TestIssuerAway(t *testing.T) {
	fx := newFixture(t)
	fx.start(unreachable{})
	token := fx.idToken(audience, nil)
	for range 2 {
		got := fx.post(publishPath, tokenBody(token))
		fx.want(t, got, 503)
		if got.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	fx.start(http.DefaultTransport) // the token was not used up
	fx.want(t, fx.post(publishPath, tokenBody(token)), 200)
}

func TestIdentityIsGoodOnce(t *testing.T) {
	for name, claims := range map[string]map[string]any{"with jti": nil, "without jti": {"jti": nil}} {
		t.Run(name, func(t *testing.T) {
			fx := newFixture(t)
			token := fx.idToken(audience, claims)
			// A refusal does not use the token up.
			fx.want(t, fx.post("/v1/trusted-publishing/acme/nowhere/mint-token", tokenBody(token)), 404)
			statuses := make([]int, 8)
			var all sync.WaitGroup
			for i := range statuses {
				all.Go(func() { statuses[i] = fx.post(publishPath, tokenBody(token)).status })
			}
			all.Wait()
			count := map[int]int{}
			for _, s := range statuses {
				count[s]++
			}
			if count[200] != 1 || count[401] != 7 {
				t.Errorf("statuses %v", statuses)
			}
		})
	}
}

func TestPolicyForOneIndex(t *testing.T) {
	fx := newFixture(t, func(c *sts.Config) {
		c.Indexes = append(c.Indexes, sts.Index{Workspace: "acme", Name: "side", Kind: sts.PyPI, Folder: c.Indexes[0].Folder})
		c.Trust[0].Index, c.Trust[1].Index = "side", "side"
	})
	fx.want(t, fx.post(publishPath, tokenBody(fx.idToken(audience, nil))), 403)
	fx.want(t, fx.post("/v1/trusted-publishing/acme/side/mint-token", tokenBody(fx.idToken(audience, nil))), 200)
	got := fx.post(accessPath, tokenBody(fx.idToken(audience, nil)))
	fx.want(t, got, 200)
	token := field(t, got, "token")
	fx.want(t, fx.do(ask{path: "/simple/acme/side/", header: bearer(token)}), 200)
	fx.want(t, fx.do(ask{path: "/simple/acme/main/", header: bearer(token)}), 403)
}
