package registry_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/registry"
)

func TestPrefixDevExchanges(t *testing.T) {
	for _, test := range []struct {
		ref, audience, host, asked string
	}{
		{"prefix.dev", "prefix.dev", "prefix.dev", "https://prefix.dev"},
		{"https://repo.prefix.dev/acme", "prefix.dev", "repo.prefix.dev", "https://repo.prefix.dev"},
		{"https://beta.prefix.dev/acme/deeper", "prefix.dev", "beta.prefix.dev", "https://beta.prefix.dev"},
		{"https://conda.corp:8443/acme type=prefix.dev", "conda.corp", "conda.corp:8443", "https://conda.corp:8443"},
		{"http://127.0.0.1:8000/acme type=prefix.dev", "127.0.0.1", "127.0.0.1:8000", "http://127.0.0.1:8000"},
		{"https://conda.corp/acme type=prefix.dev audience=own", "own", "conda.corp", "https://conda.corp"},
	} {
		server := fake.NewPrefixDev(now)
		server.Audience = test.audience
		w, j := newFixture(server), &job{t: t}
		cred, err := w.exchange(t.Context(), ref(t, test.ref), j.proof())
		if err != nil {
			t.Errorf("%s: %s", test.ref, said(err))
			continue
		}
		if cred.Registry != "prefix.dev" || cred.Host != test.host || cred.Kind != regpass.Bearer || cred.Username != "" ||
			!cred.Expires.Equal(now().Add(time.Hour)) {
			t.Errorf("%s: got %+v", test.ref, cred)
		}
		if !slices.Contains(w.masked, cred.Secret.Reveal()) {
			t.Errorf("%s: the token is not masked", test.ref)
		}
		if want := []string{"POST " + test.asked + "/api/oidc/mint_token"}; !slices.Equal(w.asked, want) ||
			len(server.Wrong()) > 0 {
			t.Errorf("%s: asked %q, wrong %q", test.ref, w.asked, server.Wrong())
		}
	}
}

func TestPrefixDevTokens(t *testing.T) {
	later, over := now().Add(time.Hour), now().Add(-time.Hour)
	payload := func(exp time.Time) string {
		return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"exp":%d}`, exp.Unix()))
	}
	for _, test := range []struct {
		body    string
		expires time.Time
		fails   bool
	}{
		{body: "pfx-jwt." + payload(later) + ".signature", expires: later},
		{body: "pfx-jwt." + signed(t, jwt.MapClaims{"exp": later.Unix()}), expires: later},
		{body: signed(t, jwt.MapClaims{"exp": later.Unix()}) + "\n", expires: later},
		{body: "pfx_opaque-0123456789"},
		{body: "pfx-jwt." + payload(over) + ".signature", fails: true},
		{body: "pfx-jwt." + signed(t, jwt.MapClaims{"exp": over.Unix()}), fails: true},
		{body: `{"token":"pfx_opaque-0123456789"}`, fails: true},
		{body: `"pfx_opaque-0123456789"`, fails: true},
		{body: "pfx_opaque-0123456789 pfx_opaque-0123456789", fails: true},
		{body: "", fails: true},
	} {
		server := fake.NewPrefixDev(now)
		server.Instead(text(200, test.body))
		cred, err := newFixture(server).exchange(t.Context(), ref(t, "prefix.dev"), (&job{t: t}).proof())
		if test.fails {
			mustSay(t, err, "prefix.dev: exchange the CI identity: the answer")
			mustHide(t, err, test.body)
			continue
		}
		if err != nil || !cred.Expires.Equal(test.expires) {
			t.Errorf("%s: %s, %v", test.body, cred.Expires, err)
		}
	}
}

func TestPrefixDevOtherProofs(t *testing.T) {
	w := newFixture(fake.NewPrefixDev(now))
	cred, err := w.exchange(t.Context(), ref(t, "https://repo.prefix.dev/acme"),
		key(regpass.APIKey, "PREFIX_API_KEY", "pfx_key\n"))
	if err != nil || cred.Secret.Reveal() != "pfx_key" || cred.Kind != regpass.Bearer || cred.Host != "repo.prefix.dev" ||
		!cred.Expires.IsZero() {
		t.Errorf("got %+v, %v", cred, err)
	}
	_, err = w.exchange(t.Context(), ref(t, "prefix.dev"), registry.Proof{Method: regpass.Browser})
	mustSay(t, err, `prefix.dev: "prefix.dev" takes no browser login`)
	if len(w.asked) > 0 {
		t.Errorf("asked %v", w.asked)
	}

	server, j := fake.NewPrefixDev(now), &job{t: t}
	server.Instead(text(404, "OIDCPublisherNotFound"))
	_, err = newFixture(server).exchange(t.Context(), ref(t, "prefix.dev"), j.proof())
	mustSay(t, err, `404 Not Found: "OIDCPublisherNotFound"`, `repository="acme/app"`)
	mustHide(t, err, j.tokens...)
}
