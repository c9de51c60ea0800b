package fake_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/regpass/regpass/internal/fake"
)

// TestServices holds that a fake that gives tokens does so for the right request only.
func TestServices(t *testing.T) {
	issuer := listen(t, "ES256")
	forgejo, gitea, azure := fake.NewForgejo(issuer), fake.NewGitea(issuer), fake.NewAzure(issuer)
	codefresh, bitrise := fake.NewCodefresh(issuer), fake.NewBitrise(issuer)
	for _, test := range []struct {
		name                string
		server              asked
		environ             func(url string) []string
		urlVar, path, query string // of the right request: behind the variable's value
		method, auth, body  string // auth with SECRET
		header, field       string // header is NAME=VALUE
		secretVar           string
		wrong               []string // queries, or bodies if the right request has one
	}{
		{"forgejo", forgejo, forgejo.Environ, "ACTIONS_ID_TOKEN_REQUEST_URL", "", "&audience=pyx", "GET", "bearer SECRET", "",
			"", "value", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", []string{"", "&audience=", "&audience=pyx&audience2=x",
				"&audience=pyx&placeholder=true"}},
		{"gitea", gitea, gitea.Environ, "ACTIONS_ID_TOKEN_REQUEST_URL", "", "audience=pyx", "GET", "Bearer SECRET", "", "",
			"value", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", []string{"", "audience=" + strings.Repeat("a", 256)}},
		{"azure", azure, func(url string) []string {
			return append(azure.Environ(url, ""), "SYSTEM_ACCESSTOKEN="+azure.AccessToken())
		}, "SYSTEM_OIDCREQUESTURI", "", "?api-version=7.1", "POST", "Bearer SECRET", "", "X-TFS-FedAuthRedirect=Suppress",
			"oidcToken", "SYSTEM_ACCESSTOKEN", []string{"", "?api-version=6.0", "?api-version=7.1&audience=pyx",
				"?api-version=7.1&serviceConnectionId=another", "?api-version=7.1&serviceConnectionId="}},
		{"codefresh", codefresh, codefresh.Environ, "CF_OIDC_REQUEST_URL", "", "?audience=pyx", "GET", "SECRET", "", "",
			"id_token", "CF_OIDC_REQUEST_TOKEN", []string{"", "?audience=pyx,pypi", "?audience=pyx&x=y"}},
		{"bitrise", bitrise, bitrise.Environ, "BITRISE_BUILD_URL", "/id_token.json", "", "POST", "SECRET",
			`{"sub":"","aud":"pyx"}`, "BUILD_API_TOKEN=SECRET", "id_token", "BITRISE_BUILD_API_TOKEN",
			[]string{`{"sub":"me","aud":"pyx"}`, `{"aud":"pyx"}`, `{"sub":"","aud":""}`, `aud=pyx`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(test.server)
			defer server.Close()
			vars := variables(test.environ(server.URL))
			ask := func(method, auth, query, body string) string {
				t.Helper()
				secret := strings.NewReplacer("SECRET", vars[test.secretVar])
				r, err := http.NewRequest(method, vars[test.urlVar]+test.path+query, strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Authorization", secret.Replace(auth))
				r.Header.Set("Content-Type", "application/json")
				if name, value, ok := strings.Cut(test.header, "="); ok {
					r.Header.Set(name, secret.Replace(value))
				}
				res, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				var answer map[string]any
				_ = json.NewDecoder(res.Body).Decode(&answer)
				token, _ := answer[test.field].(string)
				if (res.StatusCode == http.StatusOK) != (token != "") {
					t.Errorf("%s: %s with a token of %d bytes", query, res.Status, len(token))
				}
				return token
			}
			want := "pyx"
			if test.name == "azure" {
				want = fake.AzureAudience
			}
			if claims := verify(t, issuer.URL, ask(test.method, test.auth, test.query, test.body)); claims["aud"] != want {
				t.Errorf("claims %v", claims)
			}
			if wrong := test.server.Wrong(); len(wrong) > 0 {
				t.Errorf("asked wrongly: %q", wrong)
			}
			mistakes := 0
			refused := func(method, auth, query, body string) {
				t.Helper()
				mistakes++
				if ask(method, auth, query, body) != "" {
					t.Errorf("%s %q %q %q: a token", method, auth, query, body)
				}
			}
			refused("PUT", test.auth, test.query, test.body)
			refused(test.method, test.auth+"x", test.query, test.body)
			refused(test.method, "Basic SECRET", test.query, test.body)
			refused(test.method, test.auth, test.query, test.body+"x")
			for _, wrong := range test.wrong {
				if test.body != "" {
					refused(test.method, test.auth, test.query, wrong)
				} else {
					refused(test.method, test.auth, wrong, "")
				}
			}
			if got := len(test.server.Wrong()); got != mistakes {
				t.Errorf("%d mistakes remembered, want %d: %q", got, mistakes, test.server.Wrong())
			}
		})
	}
}
