package regpass

import (
	"encoding/base64"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// token makes an unsigned token of a payload.
func token(payload string) string {
	const head = `{"alg":"none"}`
	enc := base64.RawURLEncoding
	return enc.EncodeToString([]byte(head)) + "." + enc.EncodeToString([]byte(payload)) + ".c2ln"
}

func TestDecodeJWT(t *testing.T) {
	exp, iat := time.Date(2026, 11, 20, 12, 5, 0, 0, time.UTC), time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, payload string
		want          Claims // without All
	}{
		{
			"all",
			`{"iss":"https://ci.example","sub":"repo:a/b","aud":"pyx","jti":"1",` +
				`"exp":1795176300,"iat":1795176000,"nbf":1795176000}`,
			Claims{
				Issuer: "https://ci.example", Subject: "repo:a/b", Audience: []string{"pyx"}, ID: "1",
				Expires: exp, IssuedAt: iat, NotBefore: iat,
			},
		},
		{"none", `{}`, Claims{}},
		{"audiences", `{"aud":["a","b"]}`, Claims{Audience: []string{"a", "b"}}},
		{"no audience", `{"aud":null}`, Claims{}},
		{"fraction and exponent", `{"exp":1795176300.9,"iat":1.795176e9}`, Claims{Expires: exp, IssuedAt: iat}},
		{"white space around", " {\"sub\":\"s\"}\n", Claims{Subject: "s"}},
		{"names are exact", `{"Sub":"a","EXP":1}`, Claims{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := DecodeJWT(NewSecret(token(c.payload)))
			if err != nil {
				t.Fatal(err)
			}
			got.All = nil
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestDecodeJWTRefuses(t *testing.T) {
	for name, c := range map[string]struct{ token, why string }{
		"nothing":            {"", "1 parts"},
		"opaque":             {"pyx_abcdef", "1 parts"},
		"encrypted":          {"a.b.c.d.e", "5 parts"},
		"empty part":         {"a..c", "three that are not empty"},
		"unsigned":           {"a.e30.", "three that are not empty"},
		"standard base64":    {"e30.e+30.c2ln", "not base64url"},
		"padding":            {"e30.e30=.c2ln", "not base64url"},
		"length":             {"e30.e30e3.c2ln", "second part is not base64url"},
		"line end":           {"e30.e3\n0.c2ln", "part 2 is not base64url"},
		"header":             {"é.e30.c2ln", "part 1 is not base64url"},
		"signature":          {"e30.e30.c d", "part 3 is not base64url"},
		"last bits":          {"e30.e31.c2ln", "second part is not base64url"},
		"not UTF-8":          {token("{\"sub\":\"\xff\"}"), "not UTF-8"},
		"a claim twice":      {token(`{"sub":"a","sub":"b"}`), "names something twice"},
		"twice, escaped":     {token(`{"sub":"a","s\u0075b":"b"}`), "names something twice"},
		"twice, further in":  {token(`{"x":[1,{"a":{},"b":[],"a":1}]}`), "names something twice"},
		"not JSON":           {token("{"), "not a JSON object"},
		"a list":             {token("[]"), "not a JSON object"},
		"null":               {token("null"), "not a JSON object"},
		"two objects":        {token("{}{}"), "more than a JSON object"},
		"brace after it":     {token("{}}"), "more than a JSON object"},
		"bracket after it":   {token("{}]"), "more than a JSON object"},
		"issuer is a number": {token(`{"iss":1}`), "claim iss is not a string"},
		"subject is null":    {token(`{"sub":null}`), "claim sub is not a string"},
		"exp is text":        {token(`{"exp":"1795176300"}`), "claim exp is not a time"},
		"exp is negative":    {token(`{"exp":-1}`), "claim exp is not a time"},
		"exp in ms":          {token(`{"exp":1795176300000}`), "claim exp is not a time"},
		"exp is huge":        {token(`{"exp":1e999}`), "claim exp is not a time"},
		"aud is an object":   {token(`{"aud":{}}`), "claim aud is neither"},
		"aud of numbers":     {token(`{"aud":[1]}`), "claim aud is not a list of strings"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := DecodeJWT(NewSecret(c.token))
			if err == nil || !strings.Contains(err.Error(), c.why) || !reflect.DeepEqual(got, Claims{}) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestClaimsShow(t *testing.T) {
	const payload = `{"sub":"repo:a/b","n":12345678901234567890,"ok":true,"l":["x"],"evil":"\n::error::"}`
	c, err := DecodeJWT(NewSecret(token(payload)))
	if err != nil {
		t.Fatal(err)
	}
	want := `sub="repo:a/b" n="12345678901234567890" ok="true" l="[\"x\"]" evil="\n::error::"`
	if got := c.Show([]string{"sub", "absent", "n", "ok", "l", "evil"}); got != want {
		t.Errorf("got %s", got)
	}
}

// jwtErrors are the texts of all errors. None has room for any part of the token.
var jwtErrors = regexp.MustCompile(`^(` +
	`not a JSON Web Token: (\d+ parts between dots instead of three that are not empty|` +
	`its part [123] is not base64url|` +
	`its second part is (not base64url|not a JSON object|more than a JSON object))|` +
	`the token's claim ((iss|sub|jti) is not a string|(exp|iat|nbf) is not a time in seconds|` +
	`aud is not a list of strings|aud is neither a string nor a list))$`)

func FuzzDecodeJWT(f *testing.F) {
	for _, s := range []string{
		"", "a.b.c", "...", token(`{"iss":"i","aud":["a"],"exp":1.5e9}`), token(`{"aud":[null],"exp":null}`),
		token(`{"exp":0}`), token("{}]"),
	} {
		f.Add(s, "{}")
		f.Add(s, `{"iss":"i","sub":"","aud":"a","exp":1795176300.25}`)
	}
	f.Fuzz(func(t *testing.T, raw, payload string) {
		for _, tok := range []string{raw, token(payload)} {
			got, err := DecodeJWT(NewSecret(tok))
			if err != nil {
				if !jwtErrors.MatchString(err.Error()) {
					t.Fatalf("the error is %q", err)
				}
				continue
			}
			want := jwt.MapClaims{}
			if _, _, err := jwt.NewParser().ParseUnverified(tok, want); err != nil {
				continue
			}
			if iss, err := want.GetIssuer(); err == nil && iss != got.Issuer {
				t.Errorf("the issuer is %q and not %q", got.Issuer, iss)
			}
			if aud, err := want.GetAudience(); err == nil && !slices.Equal(aud, got.Audience) {
				t.Errorf("the audience is %q and not %q", got.Audience, aud)
			}
			exp, err := want.GetExpirationTime()
			switch {
			case err != nil:
			case exp == nil: // golang-jwt takes 0 for absent
				if !got.Expires.IsZero() && got.Expires.Unix() != 0 {
					t.Errorf("it ends at %s and not never", got.Expires)
				}
			case exp.Unix() != got.Expires.Unix():
				t.Errorf("it ends at %s and not %s", got.Expires, exp)
			}
		}
	})
}
