package identity_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/internal/fake"
)

// awsHere makes an AWS with one key, and surroundings that have the key and the variables.
func awsHere(t *testing.T) (*fake.AWS, map[string]string) {
	t.Helper()
	a := fake.NewAWS(func() time.Time { return noon })
	a.Keys["AKIAEXAMPLE"] = fake.AWSKey{Secret: "a-secret-access-key", Session: "a-session-token"}
	a.Issuer = issuer(t)
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return a, map[string]string{"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "a-secret-access-key",
		"AWS_SESSION_TOKEN": "a-session-token", "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL_STS": server.URL}
}

func TestAWS(t *testing.T) {
	a, vars := awsHere(t)
	env, masked := surroundings(vars)
	got, err := get(t, "aws", env)
	if err != nil || len(a.Wrong()) > 0 {
		t.Fatal(err, a.Wrong())
	}
	if got.Claims.Subject != a.Role || !slices.Equal(got.Claims.Audience, []string{"pyx"}) ||
		!slices.Contains(*masked, got.Token.Reveal()) || !slices.Contains(*masked, "a-session-token") {
		t.Errorf("%+v", got.Claims)
	}
}

func TestAWSDetect(t *testing.T) {
	const keys = "AWS_ACCESS_KEY_ID=AKIA AWS_SECRET_ACCESS_KEY=secret"
	for _, test := range []struct {
		vars, audience, want string
		terminal             bool
	}{
		{keys + " AWS_REGION=eu-west-1", "pyx", "aws", false},
		{keys + " AWS_REGION=eu-west-1", "pyx", "", true},
		{keys + " AWS_REGION=eu-west-1", "sts.amazonaws.com", "", false},
		{keys + " AWS_REGION=cn-north-1", "sts.amazonaws.com.cn", "", false},
		{keys, "pyx", "", false},
		{keys + " AWS_REGION=evil.example", "pyx", "", false},
		{"AWS_REGION=eu-west-1", "pyx", "", false},
		{"AWS_DEFAULT_REGION=eu-west-1 AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x", "pyx", "aws", false},
		{keys + " AWS_REGION=eu-west-1 GITHUB_ACTIONS=true", "pyx", "github", false},
		{keys + " AWS_REGION=eu-west-1 REGPASS_ID_TOKEN=x", "pyx", "variable", false},
	} {
		vars := map[string]string{}
		for _, word := range strings.Fields(test.vars) {
			name, value, _ := strings.Cut(word, "=")
			vars[name] = value
		}
		env, _ := surroundings(vars)
		env.Terminal = test.terminal
		if p, _ := identity.Detect(env, test.audience); p.Name != test.want {
			t.Errorf("%s for %s: %q, want %q", test.vars, test.audience, p.Name, test.want)
		}
	}
}

func TestAWSRefusals(t *testing.T) {
	body := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }
	}
	wrap := func(s string) string {
		return "<GetWebIdentityTokenResponse><GetWebIdentityTokenResult><WebIdentityToken>" + s +
			"</WebIdentityToken></GetWebIdentityTokenResult></GetWebIdentityTokenResponse>"
	}
	for name, test := range map[string]struct {
		change     func(*fake.AWS, map[string]string)
		text, hint string
	}{
		"switched off": {func(a *fake.AWS, _ map[string]string) { a.Issuer = nil },
			"OutboundWebIdentityFederationDisabled", "aws iam enable-outbound-web-identity-federation"},
		"no permission": {func(a *fake.AWS, _ map[string]string) { a.Forbid = "sts:GetWebIdentityToken" },
			"not authorized to perform", `"sts:GetWebIdentityToken"`},
		"other keys": {func(_ *fake.AWS, v map[string]string) { v["AWS_SECRET_ACCESS_KEY"] = "another-access-key" },
			"SignatureDoesNotMatch", ""},
		"no session": {func(_ *fake.AWS, v map[string]string) { delete(v, "AWS_SESSION_TOKEN") },
			"SignatureDoesNotMatch", ""},
		"http": {func(_ *fake.AWS, v map[string]string) { v["AWS_ENDPOINT_URL_STS"] = "http://evil.example" },
			"neither https nor on this machine", ""},
		"other audience": {func(a *fake.AWS, _ map[string]string) {
			a.Instead(body(wrap(sign(t, map[string]any{"aud": "pypi"}))))
		}, `for the audience "pypi"`, ""},
		"a word": {func(a *fake.AWS, _ map[string]string) { a.Instead(body(wrap("a-session-token"))) },
			"not a JSON Web", ""},
		"nothing": {func(a *fake.AWS, _ map[string]string) { a.Instead(body(wrap(""))) }, "has none", ""},
		"a bomb": {func(a *fake.AWS, _ map[string]string) {
			a.Instead(body(`<!DOCTYPE a [<!ENTITY a "a-session-token">]>` + wrap("&a;&a;")))
		}, "has none", ""},
		"10 MB": {func(a *fake.AWS, _ map[string]string) { a.Instead(body(strings.Repeat("<a>", 4<<20))) },
			"longer than", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a, vars := awsHere(t)
			test.change(a, vars)
			env, _ := surroundings(vars)
			_, err := get(t, "aws", env)
			if err == nil {
				t.Fatal("no error")
			}
			holdsNone(t, err, "a-secret-access-key", "a-session-token")
			if !strings.Contains(err.Error(), test.text) {
				t.Errorf("%v, want %q", err, test.text)
			}
			if !strings.Contains(strings.Join(regpass.Hints(err), "\n"), test.hint) {
				t.Errorf("hints %q", regpass.Hints(err))
			}
		})
	}
}
