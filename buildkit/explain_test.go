package buildkit

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/secret"
)

func TestForbiddenNamesTheHost(t *testing.T) {
	sent := []secret.Delivery{{ID: "netrc", Host: "other.example"},
		{ID: "HTTP_AUTH_TOKEN_pkgs.example", Host: "pkgs.example:8443"}}
	for _, test := range []struct {
		name, text string
		handed     []secret.Delivery
		host, hint string
	}{
		{"[2/3] ADD https://pkgs.example/x.tar /", "failed to load cache key: invalid response status 401", nil,
			"pkgs.example", "was sent no credential: name the registry at pkgs.example with --registry"},
		{"[2/3] ADD https://pkgs.example/x.tar /", "failed to load cache key: invalid response status 403", sent,
			"pkgs.example", "was sent the credential for pkgs.example"},
		{"[2/3] ADD https://other.example/x.tar /", "failed to load cache key: invalid response status 403", sent,
			"other.example", "was sent no credential"},
		{"[2/3] ADD https://u:p@pkgs.example:8443/x.tar /", "invalid response status 401", nil, "pkgs.example:8443",
			"no credential"},
		{"[2/3] ADD https://pkgs.example/x.tar /", "invalid response status 404", nil, "", ""},
		{"[2/3] ADD https://pkgs.example/app.git#main /",
			"git stderr:\nfatal: could not read Username for 'https://pkgs.example': terminal prompts disabled", nil,
			"pkgs.example", "no credential"},
		{"[1/1] ADD git@pkgs.example:app.git /", "git stderr:\nfatal: Authentication failed", nil, "", ""},
		{"exporting to image", "failed to push reg.example:5000/acme/app:1: unexpected status from HEAD request to " +
			"http://reg.example:5000/v2/: 401 Unauthorized", nil, "reg.example:5000", "`docker login reg.example:5000`"},
		{"exporting to image", "failed to push reg.example/app:1: failed to authorize: failed to fetch oauth token: " +
			"unexpected status from GET request to https://auth.example/token: 401 Unauthorized", nil, "reg.example",
			"docker login reg.example"},
		{"[internal] load metadata for docker.io/acme/app:1",
			"pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: " +
				"authorization failed", nil, "docker.io", "docker login docker.io"},
		{"RUN curl https://pkgs.example/", `process "/bin/sh -c echo 401 Unauthorized; curl https://pkgs.example/" did ` +
			`not complete successfully: exit code: 22`, nil, "", ""},
	} {
		r := forbidden(test.name, test.text, test.handed)
		if r.host != test.host || !strings.Contains(r.hint, test.hint) || (r.words == "") != (r.host == "") {
			t.Errorf("%s: %s:\n%q, want %q %q", test.name, test.text, r, test.host, test.hint)
		}
	}
}

func TestRefusedNamesTheRegistry(t *testing.T) {
	one := []secret.Delivery{{ID: "netrc", Host: "pkgs.example"}, {ID: "own"}}
	two := append(one, secret.Delivery{ID: "netrc", Host: "127.0.0.1:8080"})
	for _, test := range []struct {
		name, words string
		handed      []secret.Delivery
		host, what  string
	}{
		{"RUN uv sync", "error: Failed to fetch: `http://127.0.0.1:8080/simple/x/`\n  Caused by: HTTP status client error " +
			"(401 Unauthorized) for url (http://127.0.0.1:8080/simple/x/)", two, "127.0.0.1:8080",
			"HTTP status client error (401"},
		{"RUN pip install", "WARNING: 401 Error, Credentials not correct for https://pkgs.example/simple/x/", two,
			"pkgs.example", "401 Error"},
		{"RUN pip install", "ERROR: HTTP error 403 while getting https://pkgs.example/x.whl", two, "pkgs.example",
			"ERROR: HTTP error 403"},
		{"RUN curl https://pkgs.example/", "curl: (22) The requested URL returned error: 401", two, "pkgs.example",
			"error: 401"},
		{"RUN curl $URL", "curl: (22) The requested URL returned error: 403", one, "pkgs.example", "error: 403"},
		{"RUN curl $URL", "curl: (22) The requested URL returned error: 403", two, "", ""},
		{"RUN curl $URL", "curl: (22) The requested URL returned error: 404", one, "", ""},
		{"RUN test 401", "downloaded 401 files, 403 kB", one, "", ""},
		{"RUN uv sync", "HTTP status client error (401 Unauthorized)", nil, "", ""},
		{"RUN uv sync", "HTTP status client error (401 Unauthorized)", []secret.Delivery{{ID: "own"}}, "", ""},
	} {
		r := refused(test.name, test.words, test.handed)
		if r.host != test.host || r.host != "" && r.words != test.what {
			t.Errorf("%s: %s: %q, want %q %q", test.name, test.words, r, test.host, test.what)
		}
	}
}

func TestExplainQuotesAndRedacts(t *testing.T) {
	s := newStepLog()
	s.names[stepA], s.failed = "[2/2] RUN x\n::error::y", stepA
	b := Build{Watch: newWatch(), Secrets: &secret.Store{}, Mode: "quiet"}
	cause := errors.New("failed to solve: " + live + "\n##[error]")
	err := s.explain(b, nil, cause)
	const want = `build: step "[2/2] RUN x\n::error::y": "failed to solve: ***\n##\x5berror]"`
	if err == nil || err.Error() != want || !errors.Is(err, cause) {
		t.Errorf("%v, want %s", err, want)
	}
	if err := s.explain(b, context.Canceled, cause); !errors.Is(err, context.Canceled) || errors.Is(err, cause) {
		t.Error(err)
	}
}

func TestExplainSilentPip(t *testing.T) {
	handed := []secret.Delivery{{ID: "own"}, {ID: "netrc", Host: "pkgs.example"}, {ID: "netrc", Host: "pkgs.example"}}
	const pip = "ERROR: Could not find a version that satisfies the requirement acme (from versions: none)\n"
	for _, c := range []struct {
		name, words string
		handed      []secret.Delivery
		hinted      bool
	}{
		{"pip", pip, handed, true},
		{"another version is there", strings.ReplaceAll(pip, "none", "1.0"), handed, false},
		{"no credential", pip, handed[:1], false},
	} {
		t.Run(c.name, func(t *testing.T) {
			fell := errors.New("exit code: 1")
			err := explainSilentPip(fell, c.words, c.handed)
			if !errors.Is(err, fell) {
				t.Fatalf("%v is not the step's error", err)
			}
			hints := strings.Join(regpass.Hints(err), "\n")
			if strings.Contains(hints, "where pkgs.example refuses") != c.hinted {
				t.Errorf("hints: %q", hints)
			}
		})
	}
}

func TestExplainMissingSecretSaysHowItIsGiven(t *testing.T) {
	for text, id := range map[string]string{
		`failed to solve: secret netrc: not found`: `the secret "netrc": `,
		`failed to solve: secret a-b.c: not found`: `the secret "a-b.c": `,
		`failed to solve: file x: not found`:       "",
	} {
		fell := errors.New(text)
		err := explainMissingSecret(fell, text)
		hints := strings.Join(regpass.Hints(err), "\n")
		if !errors.Is(err, fell) || (hints != "") != (id != "") || !strings.Contains(hints, id) {
			t.Errorf("%s: %q", text, hints)
		}
	}
}
