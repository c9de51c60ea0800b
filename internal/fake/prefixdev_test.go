package fake_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass/internal/fake"
)

const mintToken, jsonBody = "/api/oidc/mint_token", "Content-Type: application/json"

func TestPrefixDevMints(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	p := fake.NewPrefixDev(func() time.Time { return now })
	status, _, token := ask(p, "POST", mintToken, `{"token":"`+toyIdentity(t, "prefix.dev", "1")+`"}`, jsonBody)
	if status != 200 || !strings.HasPrefix(token, "pfx-jwt.") {
		t.Fatalf("%d %s", status, token)
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ Exp int64 }
	if err := json.Unmarshal(raw, &claims); err != nil || claims.Exp != now.Add(time.Hour).Unix() {
		t.Errorf("exp = %d, %v", claims.Exp, err)
	}
	if wrong := p.Wrong(); len(wrong) > 0 {
		t.Errorf("a right request was remembered as wrong: %q", wrong)
	}
}

func TestPrefixDevIsStrict(t *testing.T) {
	identity := `{"token":"` + toyIdentity(t, "prefix.dev", "1") + `"}`
	for _, test := range []struct {
		method, path, body string
		headers            []string
		status             int
	}{
		{"GET", mintToken, "", nil, 404},
		{"POST", mintToken + "/", identity, []string{jsonBody}, 404},
		{"POST", "/api/oidc/mint-token", identity, []string{jsonBody}, 404},
		{"POST", mintToken, identity, nil, 415},
		{"POST", mintToken, identity, []string{jsonBody, "Authorization: Bearer a"}, 400},
		{"POST", mintToken, `{"jwt":"a"}`, []string{jsonBody}, 422},
		{"POST", mintToken, `{"token":"` + toyIdentity(t, "repo.prefix.dev", "1") + `"}`, []string{jsonBody}, 403},
	} {
		p := fake.NewPrefixDev(time.Now)
		status, _, raw := ask(p, test.method, test.path, test.body, test.headers...)
		if status != test.status || len(p.Wrong()) != 1 {
			t.Errorf("%s %s: %d %s, want %d; wrong %q", test.method, test.path, status, raw, test.status, p.Wrong())
		}
	}
}
