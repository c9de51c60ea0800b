package broker

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/regpass/regpass"
)

// A credential of an earlier step is for the hosts that it names: a registry on another host gets one of its own, not
// one that its clients would not find, or that was made for another service.
func TestCredentialOfAnotherHost(t *testing.T) {
	for name, test := range map[string]struct {
		vars          map[string]string
		first, second string
	}{
		"Docker Hub": {map[string]string{"DOCKERHUB_USERNAME": "acme", "DOCKERHUB_TOKEN": "dckr_pat_0123456789"},
			"https://docker.io", "https://dhi.io"},
		"Chainguard": {map[string]string{"CHAINGUARD_PYTHON_IDENTITY_ID": "aaaaaaaa/bbbbbbbb",
			"CHAINGUARD_PYTHON_TOKEN": "a-pull-token-0123456789"}, "https://libraries.cgr.dev/python/simple", "https://cgr.dev"},
		"Cloudsmith": {map[string]string{"CLOUDSMITH_API_KEY": "a-key-0123456789"},
			"https://dl.cloudsmith.io/basic/acme/main/python/simple/", "https://docker.cloudsmith.io/acme/main"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newFixture(t, test.vars)
			s := p.session(t)
			o := Options{Timeout: time.Minute, KeepAll: true}
			if _, err := New(p.env, s, o, &reported{}).Credential(t.Context(), ref(t, test.first, true)); err != nil {
				t.Fatal(err)
			}
			for v := range test.vars {
				if v != "REGPASS_SESSION_DIR" {
					delete(test.vars, v)
				}
			}
			got, err := New(p.env, s, o, &reported{}).Credential(t.Context(), ref(t, test.second, true))
			if err == nil {
				t.Errorf("%s gets the credential of %s", test.second, got.Cred.Host)
			}
		})
	}
}

// Two hosts of one service that take one proof each get a credential, of which each names its host.
func TestMintedForEachHost(t *testing.T) {
	for name, test := range map[string]struct {
		vars                    map[string]string
		audience, first, second string
	}{
		"Docker Hub": {map[string]string{"DOCKERHUB_USERNAME": "acme",
			"DOCKERHUB_OIDC_CONNECTIONID": "11111111-2222-3333-4444-555555555555"}, "https://identity.docker.com",
			"https://docker.io", "https://dhi.io"},
		"Chainguard": {map[string]string{"CHAINGUARD_IDENTITY": "aaaaaaaa/bbbbbbbb"}, "issuer.enforce.dev",
			"https://cgr.dev", "https://apk.cgr.dev"},
		"Cloudsmith": {map[string]string{"CLOUDSMITH_SERVICE_SLUG": "ci"}, "cloudsmith",
			"https://dl.cloudsmith.io/basic/acme/main/python/simple/", "https://docker.cloudsmith.io/acme/main"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newFixture(t, test.vars)
			_, token := fixed(t, p, test.audience, true)
			test.vars["REGPASS_ID_TOKEN"] = token
			minted := 0
			p.env.HTTP = &http.Client{Transport: network{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				minted++
				_ = json.NewEncoder(w).Encode(map[string]any{"token": testToken(minted), "access_token": testToken(minted),
					"expiry": p.now.Add(time.Hour).Format(time.RFC3339), "expires_in": 3600})
			})}}
			b := New(p.env, p.session(t), Options{Timeout: time.Minute, Least: regpass.Least{Time: time.Minute}}, &reported{})
			for i, text := range []string{test.first, test.second, test.first, test.second} {
				r := ref(t, text, true)
				got, err := b.Credential(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				if got.Cred.Host != r.Host {
					t.Errorf("%d: %s gets a credential for %s", i, r.Host, got.Cred.Host)
				}
			}
		})
	}
}

func testToken(n int) string { return "a-minted-token-0123456789-" + string(rune('a'+n)) }
