package identity_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/internal/fake"
)

// service is a CI system whose jobs ask a server for tokens.
type service struct {
	name, title string
	server      interface {
		http.Handler
		Wrong() []string
		Asked() []string
		Instead(...http.HandlerFunc)
	}
	environ     func(url string) []string
	url, secret string // variables
	field       string // of the answer
	only        string // audience of all tokens, or empty
	shown       string // claims
	setup       string // part of the hint if a variable is missing
}

// audience is one that the system gives a token for.
func (s service) audience() string {
	if s.only != "" {
		return s.only
	}
	return "pyx"
}

func services(t *testing.T) []service {
	const actionsURL, actionsSecret = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
	forgejo, gitea, azure := fake.NewForgejo(issuer(t)), fake.NewGitea(issuer(t)), fake.NewAzure(issuer(t))
	codefresh, bitrise := fake.NewCodefresh(issuer(t)), fake.NewBitrise(issuer(t))
	azureStep := func(url string) []string {
		return append(azure.Environ(url, ""), "SYSTEM_ACCESSTOKEN="+azure.AccessToken())
	}
	return []service{
		{"forgejo", "Forgejo Actions", forgejo, forgejo.Environ, actionsURL, actionsSecret, "value", "",
			`sub="repo:acme-5/app-4:ref:refs/heads/main" repository="acme/app" repository_id="4" ` +
				`repository_owner="acme" repository_owner_id="5" ref="refs/heads/main"`,
			"enable-openid-connect: true"},
		{"gitea", "Gitea Actions", gitea, gitea.Environ, actionsURL, actionsSecret, "value", "",
			`sub="repo:5/4:ref:refs/heads/main" repository="acme/app" repository_id="4"`, "id-token: write"},
		{"azure", "Azure Pipelines", azure, azureStep, "SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN", "oidcToken",
			fake.AzureAudience, `sub="p://acme/app/build" org_id="f2c8b3a1-6f3e-4a86-9d0b-5d2b6a7a1f10"`, "API key"},
		{"codefresh", "Codefresh", codefresh, codefresh.Environ, "CF_OIDC_REQUEST_URL", "CF_OIDC_REQUEST_TOKEN", "id_token",
			"", `account_id="5f30ebd30312313ae7f17948" account_name="acme" pipeline_id="64de5cd47626b3ca134e760a"`,
			"type: freestyle"},
		{"bitrise", "Bitrise", bitrise, bitrise.Environ, "BITRISE_BUILD_URL", "BITRISE_BUILD_API_TOKEN", "id_token", "",
			`app_slug="9f3b6c1de0a84f57" repository_owner="acme" repository_slug="app"`, "script@1"},
	}
}

// job makes the surroundings of a job.
func (s service) job(t *testing.T) (map[string]string, *regpass.Env, *[]string) {
	t.Helper()
	server := httptest.NewServer(s.server)
	t.Cleanup(server.Close)
	vars := variables(s.environ(server.URL))
	env, masked := surroundings(vars)
	return vars, env, masked
}

func (s service) get(t *testing.T, env *regpass.Env) (regpass.Identity, error) {
	t.Helper()
	p, err := identity.Find(s.name)
	if err != nil {
		t.Fatal(err)
	}
	return p.Get(t.Context(), env, s.audience())
}

func TestService(t *testing.T) {
	for _, s := range services(t) {
		t.Run(s.name, func(t *testing.T) {
			vars, env, masked := s.job(t)
			p, ok := identity.Detect(env, s.audience())
			if !ok || p.Name != s.name || p.Reusable || p.OnlyAudience(env) != s.only {
				t.Fatalf("detected %q, %v, for %q", p.Name, p.Reusable, p.OnlyAudience(env))
			}
			audiences := []string{s.audience(), s.audience()}
			if s.only == "" {
				audiences[1] = "https://nuget.example/a?b=c&audience=d#e π +%2F" // must arrive as it is
			}
			var tokens []string
			for _, audience := range audiences {
				got, err := p.Get(t.Context(), env, audience)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got.Claims.Audience, []string{audience}) {
					t.Errorf("for %q, want %q", got.Claims.Audience, audience)
				}
				tokens = append(tokens, got.Token.Reveal())
				if !slices.Contains(*masked, got.Token.Reveal()) || !slices.Contains(*masked, vars[s.secret]) {
					t.Error("the ID token and the request's secret are not both masked")
				}
				if shown := got.Claims.Show(got.PolicyClaims); !strings.Contains(shown, s.shown) {
					t.Errorf("claims %s, want %s", shown, s.shown)
				}
			}
			if tokens[0] == tokens[1] {
				t.Error("the job got the same token twice")
			}
			if wrong := s.server.Wrong(); len(wrong) > 0 {
				t.Errorf("asked wrongly: %q", wrong)
			}
		})
	}
}

func TestServiceMissing(t *testing.T) {
	for _, s := range services(t) {
		t.Run(s.name, func(t *testing.T) {
			for _, missing := range []string{s.url, s.secret} {
				vars, env, _ := s.job(t)
				vars[missing] = ""
				_, err := s.get(t, env)
				wants(t, err, regpass.ErrNoIdentity, missing, s.setup)
			}
			env, _ := surroundings(nil)
			_, err := s.get(t, env)
			wants(t, err, regpass.ErrNoIdentity, "of "+s.title+", or its variables are not passed on", "pass on "+s.url)
			if asked := s.server.Asked(); len(asked) > 0 {
				t.Errorf("asked %q", asked)
			}
		})
	}
}

// The secret goes to no server but by https, or on this machine, and only if it is one that a header can carry.
func TestServiceVariables(t *testing.T) {
	for _, s := range services(t) {
		for _, test := range []struct{ name, url, secret, text string }{
			{"no URL", "http://a b", "", s.url + " is not a URL"},
			{"http elsewhere", "http://a.example/x", "", s.url + ": http://a.example is neither https nor on this machine"},
			{"like this machine", "http://127.0.0.1.a.example/x", "", "is neither https nor on this machine"},
			{"a password", "https://u:p@a.example/x", "", "carries a user name or password"},
			{"no host", "https:///x", "", "names no host"},
			{"another scheme", "file:///x", "", s.url + ": "},
			{"two lines", "", "hunter2-hunter2\r\nX: y", s.secret + ": the token holds the byte 0x0d"},
			{"NUL", "", "hunter2-hunter2\x00", s.secret + ": the token holds the byte 0x00"},
		} {
			t.Run(s.name+"/"+test.name, func(t *testing.T) {
				vars, env, _ := s.job(t)
				if test.url != "" {
					vars[s.url] = test.url
				}
				if test.secret != "" {
					vars[s.secret] = test.secret
				}
				_, err := s.get(t, env)
				wants(t, err, regpass.ErrNoIdentity, test.text, "")
				if err != nil {
					holdsNone(t, err, vars[s.secret], "hunter2-hunter2")
				}
				if asked := s.server.Asked(); len(asked) > 0 {
					t.Errorf("asked %q", asked)
				}
			})
		}
	}
}

func TestServiceHostileAnswers(t *testing.T) {
	for _, s := range services(t) {
		vars, env, _ := s.job(t)
		token := sign(t, map[string]any{"aud": s.audience()})
		value := func(v string) string { return fmt.Sprintf(`{%q:%q}`, s.field, v) }
		for _, test := range []struct {
			name, body string
			status     int
			outcome    error
			text       string
		}{
			{"HTML", "<html>" + token, 200, nil, "is not the expected JSON"},
			{"no content", "", 204, nil, "is not the expected JSON"},
			{"a list", "[]", 200, nil, "is not the expected JSON"},
			{"empty object", "{}", 200, regpass.ErrNoIdentity, "has none"},
			{"null", "null", 200, regpass.ErrNoIdentity, "has none"},
			{"a number", `{"` + s.field + `":5}`, 200, nil, "is not the expected JSON"},
			{"in another field", `{"token":"` + token + `"}`, 200, regpass.ErrNoIdentity, "has none"},
			{"10 MB", value(strings.Repeat("A", 10<<20)), 200, nil, "the answer is longer than 1048576 bytes"},
			{"600 KB", value(strings.Repeat("A", 600_000)), 200, regpass.ErrNoIdentity, "600000 bytes"},
			{"NUL", `{"` + s.field + `":"` + token + `\u0000"}`, 200, regpass.ErrNoIdentity, "0x00"},
			{"two lines", `{"` + s.field + `":"` + token + `\n::stop-commands::x"}`, 200, regpass.ErrNoIdentity, "0x0a"},
			{"no token", value("##[add-mask]x"), 200, regpass.ErrNoIdentity, "not a JSON Web Token"},
			{"for another", value(sign(t, map[string]any{"aud": "https://a.example"})), 200, regpass.ErrNoIdentity,
				`for the audience "https://a.example", not for "` + s.audience() + `"`},
			{"the secret echoed", "no: " + vars[s.secret] + "\n##[b]", 403, nil, `: 403 Forbidden: "no: ***\n##\x5bb]"`},
			{"a redirect", "", 307, nil, "307 Temporary Redirect"},
		} {
			t.Run(s.name+"/"+test.name, func(t *testing.T) {
				s.server.Instead(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Location", "https://127.0.0.1:1/elsewhere")
					w.WriteHeader(test.status)
					_, _ = io.WriteString(w, test.body)
				})
				_, err := s.get(t, env)
				wants(t, err, test.outcome, test.text, "")
				if err != nil {
					holdsNone(t, err, token, vars[s.secret])
				}
			})
		}
	}
}

// A service that fails is asked again; one that stays down is no missing identity.
func TestServiceOutage(t *testing.T) {
	for _, s := range services(t) {
		_, env, _ := s.job(t)
		down := func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusServiceUnavailable) }
		s.server.Instead(down)
		if _, err := s.get(t, env); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
		s.server.Instead(slices.Repeat([]http.HandlerFunc{down}, 20)...)
		_, err := s.get(t, env)
		wants(t, err, nil, "identity: "+s.name+": ask for an ID token: ", "")
	}
}
