package identity_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/identity"
)

func TestGet(t *testing.T) {
	for _, test := range []struct {
		name   string
		claims map[string]any
	}{
		{"aud is a string", nil},
		{"aud is a list of one", map[string]any{"aud": []string{"pyx"}}},
		{"aud is a list", map[string]any{"aud": []string{"pypi", "pyx"}}},
		{"issuer on loopback", map[string]any{"iss": "http://127.0.0.1:8080"}},
		{"issuer with a path", map[string]any{"iss": "https://ghe.example/_services/token"}},
		{"no iat, no nbf", map[string]any{"iat": nil, "nbf": nil}},
		{"issuer's clock a minute ahead", map[string]any{"iat": noon.Add(time.Minute).Unix(),
			"nbf": noon.Add(time.Minute).Unix(), "exp": noon.Add(time.Hour).Unix()}},
		{"a second left", map[string]any{"exp": noon.Add(time.Second).Unix()}},
		{"times with a fraction", map[string]any{"nbf": 0.5, "exp": 4102444800.5}},
	} {
		t.Run(test.name, func(t *testing.T) {
			token := sign(t, test.claims)
			env, masked := surroundings(map[string]string{"REGPASS_ID_TOKEN": " " + token + "\r\n"})
			got, err := get(t, "variable", env)
			if err != nil {
				t.Fatal(err)
			}
			if got.Provider != "variable" || got.Token.Reveal() != token || got.Claims.Subject != "job" ||
				!slices.Equal(got.PolicyClaims, []string{"sub"}) {
				t.Errorf("identity = %+v", got)
			}
			if !slices.Equal(*masked, []string{token}) {
				t.Error("the token was not masked, or something else was")
			}
		})
	}
}

func TestGetRefusesClaims(t *testing.T) {
	for _, test := range []struct {
		name, text, hint string
		claims           map[string]any
	}{
		{"other audience", `for the audience "pypi", not for "pyx"`, "PYX_ID_TOKEN=…", map[string]any{"aud": "pypi"}},
		{"other audiences", `for the audience "pypi, npm", not for "pyx"`, "PYX_ID_TOKEN=…",
			map[string]any{"aud": []string{"pypi", "npm"}}},
		{"audience in other case", `for the audience "PYX"`, "", map[string]any{"aud": "PYX"}},
		{"audience with a space", `for the audience "pyx "`, "", map[string]any{"aud": "pyx "}},
		{"audience with a command", `for the audience "\n::stop-commands::x##\x5bb]"`, "",
			map[string]any{"aud": "\n::stop-commands::x##[b]"}},
		{"no audience", `has no audience; it must be for "pyx"`, "PYX_ID_TOKEN=…", map[string]any{"aud": nil}},
		{"empty list of audiences", "has no audience", "", map[string]any{"aud": []string{}}},
		{"audience is a number", "aud is neither a string nor a list", "", map[string]any{"aud": 1}},
		{"no issuer", `issuer "" is not an https URL`, "PYX_ID_TOKEN=…", map[string]any{"iss": nil}},
		{"issuer without scheme", `issuer "ci.example" is not an https URL`, "", map[string]any{"iss": "ci.example"}},
		{"issuer over http", `issuer "http://ci.example" is not an https URL`, "",
			map[string]any{"iss": "http://ci.example"}},
		{"issuer like loopback", `is not an https URL`, "", map[string]any{"iss": "http://127.0.0.1.ci.example"}},
		{"issuer with a password", `is not an https URL`, "", map[string]any{"iss": "https://a:b@ci.example"}},
		{"issuer with a command", `issuer "https://ci.example/\n##\x5bb]" is not`, "",
			map[string]any{"iss": "https://ci.example/\n##[b]"}},
		{"no exp", "has no exp", "", map[string]any{"exp": nil}},
		{"exp is a string", "exp is not a time in seconds", "", map[string]any{"exp": "4102444800"}},
		{"exp now", "expired 0s ago", "closer to its use", map[string]any{"exp": noon.Unix()}},
		{"expired", "expired 1h0m0s ago by this machine's clock", "which says 2026-11-23T12:00:00Z, seems to be 1h5m0s ahead",
			map[string]any{"iat": noon.Add(-65 * time.Minute).Unix(), "exp": noon.Add(-time.Hour).Unix()}},
		{"expired, no iat", "expired 1h0m0s ago", "seems to be 1h0m0s ahead",
			map[string]any{"iat": nil, "exp": noon.Add(-time.Hour).Unix()}},
		{"iat ahead", "valid only in 1m1s: this machine's clock seems to be that far behind",
			"which says 2026-11-23T12:00:00Z", map[string]any{"iat": noon.Add(61 * time.Second).Unix()}},
		{"nbf ahead", "valid only in 2h0m0s", "which says", map[string]any{"nbf": noon.Add(2 * time.Hour).Unix()}},
		{"nbf is a string", "nbf is not a time in seconds", "", map[string]any{"nbf": "1"}},
		{"nbf is negative", "nbf is not a time in seconds", "", map[string]any{"nbf": -1}},
		{"nbf is huge", "nbf is not a time in seconds", "", map[string]any{"nbf": 1e300}},
	} {
		t.Run(test.name, func(t *testing.T) {
			token := sign(t, test.claims)
			env, masked := surroundings(map[string]string{"REGPASS_ID_TOKEN": token})
			_, err := get(t, "variable", env)
			wants(t, err, regpass.ErrNoIdentity, test.text, test.hint)
			if err != nil {
				holdsNone(t, err, token)
			}
			if !slices.Equal(*masked, []string{token}) {
				t.Error("a token that is refused must be masked all the same")
			}
		})
	}
}

func TestGetRefusesText(t *testing.T) {
	good := sign(t, nil)
	part := strings.Split(good, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	for _, test := range []struct{ name, token, text string }{
		{"white space", " \n", "the token is empty"},
		{"600 KB", strings.Repeat("A", 600_000), "600000 bytes"},
		{"NUL", good + "\x00", "0x00"},
		{"two lines", good + "\n" + good, "0x0a"},
		{"ESC", "\x1b]0;" + good, "0x1b"},
		{"a word", "correct-horse-battery-staple", "not a JSON Web Token: 1 parts"},
		{"without signature", part[0] + "." + part[1] + ".", "not a JSON Web Token"},
		{"cut in the claims", good[:len(part[0])+1+len(part[1])/2], "not a JSON Web Token: 2 parts"},
		{"claims cut", part[0] + "." + part[1][:len(part[1])-3] + "." + part[2], "not a JSON Web Token"},
		{"claims padded", part[0] + "." + part[1] + "==." + part[2], "not base64url"},
		{"encrypted", "a.b.c.d.e", "5 parts"},
		{"claims are a list", part[0] + "." + b64([]byte("[1]")) + "." + part[2], "not a JSON object"},
		{"claims are null", part[0] + "." + b64([]byte("null")) + "." + part[2], "not a JSON object"},
		{"HTML", "<!doctypehtml><title>Sign-in</title>", "not a JSON Web Token"},
	} {
		t.Run(test.name, func(t *testing.T) {
			// A variable cannot hold NUL, but a fake can.
			env, _ := surroundings(map[string]string{"REGPASS_ID_TOKEN": test.token})
			_, err := get(t, "variable", env)
			wants(t, err, regpass.ErrNoIdentity, test.text, "export PYX_ID_TOKEN=…")
			if err != nil {
				holdsNone(t, err, good, test.token)
			}
		})
	}
}

// A token is not verified here, so alg none must do no harm; the registry refuses it.
func TestGetAlgNone(t *testing.T) {
	part := strings.Split(sign(t, nil), ".")
	part[0] = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))
	env, _ := surroundings(map[string]string{"REGPASS_ID_TOKEN": strings.Join(part, ".")})
	if _, err := get(t, "variable", env); err != nil {
		t.Error(err)
	}
}

func TestGetRefusesAudience(t *testing.T) {
	env, _ := surroundings(map[string]string{"REGPASS_ID_TOKEN": sign(t, nil)})
	for _, p := range identity.Providers {
		for _, audience := range []string{"", "a\nb", "a\x00b"} {
			_, err := p.Get(t.Context(), env, audience)
			wants(t, err, nil, "cannot be an audience", "")
		}
	}
}
