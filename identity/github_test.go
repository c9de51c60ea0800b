package identity_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/internal/fake"
)

func TestGitHub(t *testing.T) {
	hub, vars := githubJob(t)
	env, masked := surroundings(vars)
	p, _ := identity.Detect(env, "pyx")
	// What is special in a query must arrive as it is.
	for _, audience := range []string{"pyx", "https://nuget.example/a?b=c&audience=d#e", "//iam.example/π +%2F"} {
		got, err := p.Get(t.Context(), env, audience)
		if err != nil {
			t.Fatal(err)
		}
		if got.Provider != "github" || got.Claims.Issuer != hub.URL ||
			!slices.Equal(got.Claims.Audience, []string{audience}) {
			t.Errorf("identity = %+v", got)
		}
		if !slices.Contains(*masked, got.Token.Reveal()) ||
			!slices.Contains(*masked, vars["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]) {
			t.Error("the ID token and the request's token are not both masked")
		}
		const shown = `sub="repo:acme/app:environment:release" ` +
			`repository="acme/app" repository_id="74" repository_owner="acme" repository_owner_id="65" ref="refs/heads/main" ` +
			`workflow_ref="acme/app/.github/workflows/release.yml@refs/heads/main" ` +
			`job_workflow_ref="acme/app/.github/workflows/release.yml@refs/heads/main" ` +
			`environment="release" event_name="push"`
		if s := got.Claims.Show(got.PolicyClaims); s != shown {
			t.Errorf("claims %s, want %s", s, shown)
		}
	}
	if hub.Tokens() != 3 || hub.Wrong() != nil {
		t.Errorf("%d tokens, wrong %q", hub.Tokens(), hub.Wrong())
	}
}

func TestGitHubRetries(t *testing.T) {
	hub, vars := githubJob(t)
	hub.FailNext(1, http.StatusInternalServerError)
	hub.FailNext(1, http.StatusTooManyRequests)
	env, _ := surroundings(vars)
	waited := 0
	env.Wait = func(context.Context, time.Duration) error { waited++; return nil }
	if _, err := get(t, "github", env); err != nil {
		t.Fatal(err)
	}
	if waited != 2 || hub.Tokens() != 1 || hub.Wrong() != nil {
		t.Errorf("waited %d times, %d tokens, wrong %q", waited, hub.Tokens(), hub.Wrong())
	}
}

// A service that fails is no missing identity: whoever may go on without one must not do so because of an outage.
func TestGitHubOutage(t *testing.T) {
	hub, vars := githubJob(t)
	hub.FailNext(100, http.StatusServiceUnavailable)
	env, _ := surroundings(vars)
	_, err := get(t, "github", env)
	service := vars["ACTIONS_ID_TOKEN_REQUEST_URL"]
	wants(t, err, nil, `identity: github: ask for an ID token: GET `+service+
		`&audience=pyx: 503 Service Unavailable: "The service is`, "")
}

func TestGitHubRequestTokenRefused(t *testing.T) {
	_, vars := githubJob(t)
	vars["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "ended-with-the-job"
	env, _ := surroundings(vars)
	_, err := get(t, "github", env)
	wants(t, err, nil, `401 Unauthorized: "TF400813`, "")
	if err != nil {
		holdsNone(t, err, "ended-with-the-job")
	}
}

func TestGitHubInterrupted(t *testing.T) {
	_, vars := githubJob(t)
	env, _ := surroundings(vars)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p, _ := identity.Detect(env, "pyx")
	_, err := p.Get(ctx, env, "pyx")
	wants(t, err, context.Canceled, "ask for an ID token", "")
}

func TestGitHubMissing(t *testing.T) {
	dir := t.TempDir()
	event := func(name, text string) string {
		path := filepath.Join(dir, name)
		write(t, path, text)
		return path
	}
	fork := event("fork", `{"action":"opened","pull_request":{`+
		`"head":{"repo":{"fork":true,"full_name":"mallory/app"}},"base":{"repo":{"fork":false,"full_name":"acme/app"}}}}`)
	ofFork := event("of-fork", `{"pull_request":{`+
		`"head":{"repo":{"fork":true,"full_name":"acme/app"}},"base":{"repo":{"fork":true,"full_name":"acme/app"}}}}`)
	own := event("own", `{"pull_request":{`+
		`"head":{"repo":{"fork":false,"full_name":"acme/app"}},"base":{"repo":{"full_name":"acme/app"}}}}`)
	const permission, add = "this job may not ask for an ID token", "permissions:\n  contents: read\n  id-token: write"
	const forked = "no ID token to a pull request from a fork"
	const leaveOut = "if: github.event_name != 'pull_request' || " + // which is false for no other event
		"github.event.pull_request.head.repo.full_name == github.repository"
	for _, test := range []struct {
		name       string
		vars       map[string]string
		text, hint string
	}{
		{"neither", nil, permission, add},
		{"only the URL", map[string]string{"ACTIONS_ID_TOKEN_REQUEST_URL": "https://a.example"}, permission, add},
		{"only the token", map[string]string{"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x"}, permission, add},
		{"fork", map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": fork}, forked, leaveOut},
		{"Dependabot's fork", map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": fork,
			"GITHUB_ACTOR": "dependabot[bot]"}, forked, leaveOut},
		{"push in a fork", map[string]string{"GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": fork}, permission, add},
		{"pull_request_target may", map[string]string{"GITHUB_EVENT_NAME": "pull_request_target", "GITHUB_EVENT_PATH": fork},
			permission, add},
		{"own branch", map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": own}, permission, add},
		{"own branch of a repository that is a fork",
			map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": ofFork}, permission, add},
		{"no event", map[string]string{"GITHUB_EVENT_NAME": "pull_request"}, permission, add},
		{"event is gone", map[string]string{"GITHUB_EVENT_NAME": "pull_request",
			"GITHUB_EVENT_PATH": filepath.Join(dir, "none")}, permission, add},
		{"event is garbage", map[string]string{"GITHUB_EVENT_NAME": "pull_request",
			"GITHUB_EVENT_PATH": event("garbage", "\x00{")}, permission, add},
		{"event is another's", map[string]string{"GITHUB_EVENT_NAME": "pull_request",
			"GITHUB_EVENT_PATH": event("list", `{"pull_request":["head"]}`)}, permission, add},
		{"the fork was deleted", map[string]string{"GITHUB_EVENT_NAME": "pull_request",
			"GITHUB_EVENT_PATH": event("null", `{"pull_request":{"head":{"repo":null}}}`)}, permission, add},
		{"event is too long", map[string]string{"GITHUB_EVENT_NAME": "pull_request",
			"GITHUB_EVENT_PATH": event("long", strings.Repeat(" ", 25<<20)+`{}`)}, permission, add},
		{"Dependabot", map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": own,
			"GITHUB_ACTOR": "dependabot[bot]"}, "this run of Dependabot", "if: github.actor != 'dependabot[bot]'"},
		{"elsewhere", map[string]string{"GITHUB_ACTIONS": ""}, "this is not a job of GitHub Actions",
			"pass on ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN"},
		{"URL is none", map[string]string{"ACTIONS_ID_TOKEN_REQUEST_URL": "http://a b",
			"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x"}, "ACTIONS_ID_TOKEN_REQUEST_URL is not a URL", ""},
		{"URL over http", map[string]string{"ACTIONS_ID_TOKEN_REQUEST_URL": "http://a.example/x",
			"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x"}, "http://a.example is neither https nor on this machine", ""},
		{"two tokens", map[string]string{"ACTIONS_ID_TOKEN_REQUEST_URL": "https://a.example",
			"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "hunter2-hunter2\r\nX: y"},
			"ACTIONS_ID_TOKEN_REQUEST_TOKEN: the token holds the byte 0x0d", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			vars := map[string]string{"GITHUB_ACTIONS": "true"}
			for name, value := range test.vars {
				vars[name] = value
			}
			env, _ := surroundings(vars)
			_, err := get(t, "github", env)
			wants(t, err, regpass.ErrNoIdentity, test.text, test.hint)
			if err != nil {
				holdsNone(t, err, "hunter2-hunter2")
			}
		})
	}
}

func TestGitHubHostileAnswers(t *testing.T) {
	const password = "request-token-of-the-job"
	token := sign(t, nil)
	value := func(v string) string { return fmt.Sprintf(`{"count":%d,"value":%q}`, len(v), v) }
	for _, test := range []struct {
		name, body string
		status     int
		outcome    error
		text       string
	}{
		{"HTML", "<html>" + token, 200, nil, "is not the expected JSON"},
		{"nothing", "", 200, nil, "is not the expected JSON"},
		{"no content", "", 204, nil, "is not the expected JSON"},
		{"cut", value(token)[:100], 200, nil, "is not the expected JSON"},
		{"empty object", "{}", 200, regpass.ErrNoIdentity, "has none"},
		{"null", "null", 200, regpass.ErrNoIdentity, "has none"},
		{"empty value", value(""), 200, regpass.ErrNoIdentity, "has none"},
		{"value is null", `{"value":null}`, 200, regpass.ErrNoIdentity, "has none"},
		{"value is a number", `{"value":5}`, 200, nil, "is not the expected JSON"},
		{"10 MB", value(strings.Repeat("A", 10<<20)), 200, nil, "the answer is longer than 1048576 bytes"},
		{"value of 600 KB", value(strings.Repeat("A", 600_000)), 200, regpass.ErrNoIdentity, "600000 bytes"},
		{"value of two lines", `{"value":"` + token + `\n::stop-commands::x"}`, 200, regpass.ErrNoIdentity, "0x0a"},
		{"value with NUL", `{"value":"` + token + `\u0000"}`, 200, regpass.ErrNoIdentity, "0x00"},
		{"value of blanks", value("  "), 200, regpass.ErrNoIdentity, "the token is empty"},
		{"value is no token", value("##[add-mask]x"), 200, regpass.ErrNoIdentity, "not a JSON Web Token"},
		{"value for another", value(sign(t, map[string]any{"aud": "https://github.com/acme"})), 200, regpass.ErrNoIdentity,
			`for the audience "https://github.com/acme", not for "pyx"`},
		{"commands in the message", `{"message":"\n::stop-commands::x\n##[add-mask]y ` + password + `"}`, 403, nil,
			`"::stop-commands::x\n##\x5badd-mask]y ***"`},
		{"commands in the text", "::add-mask::a\r\n##[error]" + password, 400, nil, `"::add-mask::a\r\n##\x5berror]***"`},
		{"a long message", strings.Repeat("ä", 5<<20), 400, nil, "400 Bad Request"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}))
			defer server.Close()
			env, _ := surroundings(map[string]string{"ACTIONS_ID_TOKEN_REQUEST_URL": server.URL,
				"ACTIONS_ID_TOKEN_REQUEST_TOKEN": password})
			_, err := get(t, "github", env)
			wants(t, err, test.outcome, test.text, "")
			if err == nil {
				return
			}
			holdsNone(t, err, token, password)
			if len(err.Error()) > 2000 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestGitHubRedirect(t *testing.T) {
	asked := make(chan string, 10)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get("Authorization")
	}))
	defer other.Close()
	server := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	env, _ := surroundings(map[string]string{"ACTIONS_ID_TOKEN_REQUEST_URL": server.URL,
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request-token"})
	_, err := get(t, "github", env)
	wants(t, err, nil, "307 Temporary Redirect", "")
	if len(asked) != 0 {
		t.Errorf("the redirect was followed with %q", <-asked)
	}
}

// The connection breaks once; the second try brings the token.
func TestGitHubConnectionBreaks(t *testing.T) {
	hub, vars := githubJob(t)
	env, _ := surroundings(vars)
	env.HTTP.Transport = &breaking{}
	if _, err := get(t, "github", env); err != nil {
		t.Error(err)
	}
	if hub.Tokens() != 1 {
		t.Errorf("%d tokens", hub.Tokens())
	}
}

// breaking is a transport whose first connection ends early.
type breaking struct{ broken bool }

func (b *breaking) RoundTrip(r *http.Request) (*http.Response, error) {
	if !b.broken {
		b.broken = true
		return nil, io.ErrUnexpectedEOF
	}
	return http.DefaultTransport.RoundTrip(r)
}

// githubJob starts the token service of a job and returns the job's variables.
func githubJob(t *testing.T) (*fake.GitHub, map[string]string) {
	t.Helper()
	hub := fake.NewGitHub(issuer(t))
	server := httptest.NewServer(hub)
	t.Cleanup(server.Close)
	hub.URL = server.URL
	return hub, variables(hub.Environ())
}
