package fake_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/regpass/regpass/internal/fake"
)

func TestGitHub(t *testing.T) {
	hub, vars := job(t)
	hub.Claims = map[string]any{"environment": nil, "sub": "repo:acme/app:ref:refs/heads/main"}
	ids := map[any]bool{}
	for range 2 {
		value := mint(t, vars)
		claims := verify(t, hub.URL, value)
		for name, want := range map[string]any{
			"iss": hub.URL, "aud": "pyx", "sub": "repo:acme/app:ref:refs/heads/main",
			"repository": vars["GITHUB_REPOSITORY"], "repository_id": vars["GITHUB_REPOSITORY_ID"], "ref": vars["GITHUB_REF"],
			"workflow_ref": vars["GITHUB_WORKFLOW_REF"], "event_name": vars["GITHUB_EVENT_NAME"],
		} {
			if claims[name] != want {
				t.Errorf("%s = %v, want %v", name, claims[name], want)
			}
		}
		if _, ok := claims["environment"]; ok {
			t.Error("the token has the claim that was taken away")
		}
		if claims["exp"].(float64)-claims["iat"].(float64) != 300 {
			t.Errorf("valid from %v to %v, want five minutes", claims["iat"], claims["exp"])
		}
		ids[claims["jti"]] = true
	}
	if len(ids) != 2 || hub.Tokens() != 2 {
		t.Errorf("two requests gave %d tokens with %d ids", hub.Tokens(), len(ids))
	}
	if wrong := hub.Wrong(); wrong != nil {
		t.Errorf("wrong = %q, want nothing", wrong)
	}
}

func TestGitHubFailNext(t *testing.T) {
	hub, vars := job(t)
	hub.FailNext(2, http.StatusServiceUnavailable)
	for _, want := range []int{503, 503, 200} {
		if status, body := send(t, request(t, vars)); status != want {
			t.Errorf("%d %s, want %d", status, body, want)
		}
	}
	if hub.Tokens() != 1 || hub.Wrong() != nil {
		t.Errorf("%d tokens, wrong %q", hub.Tokens(), hub.Wrong())
	}
}

func TestGitHubRefuses(t *testing.T) {
	query := func(raw string) func(*http.Request) { return func(r *http.Request) { r.URL.RawQuery = raw } }
	authorization := func(values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header["Authorization"] = values }
	}
	for _, test := range []struct {
		name   string
		spoil  func(*http.Request)
		status int
	}{
		{"POST", func(r *http.Request) { r.Method = http.MethodPost }, 405},
		{"other path", func(r *http.Request) { r.URL.Path += "/" }, 404},
		{"no token", authorization(), 401},
		{"wrong token", authorization("Bearer x"), 401},
		{"wrong scheme", func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "Bearer", "token", 1))
		}, 401},
		{"two tokens", func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }, 401},
		{"no audience", query("api-version=2.0"), 400},
		{"empty audience", query("api-version=2.0&audience="), 400},
		{"two audiences", query("api-version=2.0&audience=a&audience=b"), 400},
		{"query replaced", query("audience=pyx"), 400},
		{"? appended twice", query("api-version=2.0?audience=pyx"), 400},
		{"more in the query", query("api-version=2.0&audience=pyx&token=x"), 400},
		{"body", func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(strings.NewReader("{}")), 2 }, 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			hub, vars := job(t)
			r := request(t, vars)
			test.spoil(r)
			status, body := send(t, r)
			var said struct{ Message, TypeKey string }
			if err := json.Unmarshal(body, &said); err != nil || said.Message == "" || said.TypeKey == "" {
				t.Errorf("answer %q (%v), want the service's JSON", body, err)
			}
			if status != test.status {
				t.Errorf("%d, want %d", status, test.status)
			}
			if wrong := hub.Wrong(); len(wrong) != 1 || !strings.Contains(wrong[0], said.Message) {
				t.Errorf("wrong = %q, want the one reason %q", wrong, said.Message)
			}
			if hub.Tokens() != 0 {
				t.Error("it gave a token")
			}
		})
	}
}

// job starts the token service of a job and returns the job's variables.
func job(t *testing.T) (*fake.GitHub, map[string]string) {
	t.Helper()
	issuer, err := fake.NewIssuer("ES256")
	if err != nil {
		t.Fatal(err)
	}
	hub := fake.NewGitHub(issuer)
	server := httptest.NewServer(hub)
	t.Cleanup(server.Close)
	issuer.URL = server.URL
	return hub, variables(hub.Environ())
}

// request is a job's flawless request for a token for pyx.
func request(t *testing.T, vars map[string]string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, vars["ACTIONS_ID_TOKEN_REQUEST_URL"]+"&audience=pyx",
		nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+vars["ACTIONS_ID_TOKEN_REQUEST_TOKEN"])
	return r
}

func mint(t *testing.T, vars map[string]string) string {
	t.Helper()
	status, body := send(t, request(t, vars))
	var said struct {
		Count int
		Value string
	}
	if err := json.Unmarshal(body, &said); err != nil || status != 200 || said.Count != len(said.Value) {
		t.Fatalf("%d %s: %v", status, body, err)
	}
	return said.Value
}

// variables reads NAME=value lines.
func variables(environ []string) map[string]string {
	vars := map[string]string{}
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		vars[name] = value
	}
	return vars
}
