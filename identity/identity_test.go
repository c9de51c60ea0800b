package identity_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/internal/fake"
)

// noon is the time at which all tests happen.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestProviders(t *testing.T) {
	names := map[string]bool{}
	for _, p := range identity.Providers {
		if p.Name == "" || p.Name != strings.ToLower(p.Name) || names[p.Name] {
			t.Errorf("%q is no name of its own", p.Name)
		}
		names[p.Name] = true
		if p.Title == "" || p.Doc == "" || strings.Contains(p.Doc, "\n") {
			t.Errorf("%s: title %q, doc %q", p.Name, p.Title, p.Doc)
		}
		if len(p.Claims) == 0 || p.Claims[0] != "sub" {
			t.Errorf("%s: claims %q do not begin with sub", p.Name, p.Claims)
		}
		if setup := p.Setup("prefix.dev"); !strings.Contains(setup, `"prefix.dev"`) || strings.TrimSpace(setup) != setup {
			t.Errorf("%s: setup %q", p.Name, setup)
		}
		if setup := p.Setup("a\n##[b]::c::"); strings.Contains(setup, "a\n") || strings.Contains(setup, "##[") {
			t.Errorf("%s: setup shows an audience unquoted: %q", p.Name, setup)
		}
		found, err := identity.Find(p.Name)
		if err != nil || found.Title != p.Title {
			t.Errorf("Find(%q) = %s, %v", p.Name, found.Title, err)
		}
		env, _ := surroundings(nil)
		if p.Detect(env, "pyx") {
			t.Errorf("%s is here without any variable", p.Name)
		}
		if _, err := p.Get(t.Context(), env, "pyx"); !errors.Is(err, regpass.ErrNoIdentity) ||
			!strings.HasPrefix(err.Error(), "identity: "+p.Name+": ") || len(regpass.Hints(err)) == 0 {
			t.Errorf("%s: asked where it is not: %v, hints %q", p.Name, err, regpass.Hints(err))
		}
	}
}

func TestFindUnknown(t *testing.T) {
	_, err := identity.Find("GitHub\n")
	known := regpass.Names(identity.Providers, func(p identity.Provider) string { return p.Name })
	want := `unknown provider "GitHub\n" (known: ` + strings.Join(known, ", ") + `)`
	if !errors.Is(err, regpass.ErrUsage) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestDetect(t *testing.T) {
	for _, test := range []struct {
		name string
		vars string
		want string // empty: none
	}{
		{"nothing", "", ""},
		{"an empty variable is not set", "REGPASS_ID_TOKEN= PYX_ID_TOKEN= REGPASS_ID_TOKEN_FILE= REGPASS_ID_TOKEN_COMMAND=",
			""},
		{"on purpose beats the surroundings", "GITHUB_ACTIONS=true REGPASS_ID_TOKEN=x", "variable"},
		{"of this audience", "PYX_ID_TOKEN=x", "variable"},
		{"of another audience", "PYPI_ID_TOKEN=x", ""},
		{"variable before file", "REGPASS_ID_TOKEN=x REGPASS_ID_TOKEN_FILE=x", "variable"},
		{"file before command", "REGPASS_ID_TOKEN_FILE=x REGPASS_ID_TOKEN_COMMAND=x", "file"},
		{"command before CI", "REGPASS_ID_TOKEN_COMMAND=x GITLAB_CI=true PYX_ID_TOKEN=x", "command"},
		{"GitHub without permission", "GITHUB_ACTIONS=true", "github"},
		{"only the exact word", "GITHUB_ACTIONS=1 GITLAB_CI=True", ""},
		{"GitLab with its variable", "GITLAB_CI=true PYX_ID_TOKEN=x", "gitlab"},
		{"GitLab without its variable", "GITLAB_CI=true", "gitlab"},
		{"GitLab with a token set on purpose", "GITLAB_CI=true REGPASS_ID_TOKEN=x", "variable"},
		{"Buildkite", "BUILDKITE=true", "buildkite"},
		{"CircleCI", "CIRCLECI=true", "circleci"},
		{"Bitbucket without a token", "BITBUCKET_BUILD_NUMBER=7", "bitbucket"},
		{"Bitbucket with the variable of the audience", "BITBUCKET_BUILD_NUMBER=7 PYX_ID_TOKEN=x", "variable"},
		{"GitLab with both, where the name of the audience is nearer", "GITLAB_CI=true PYX_ID_TOKEN=x REGPASS_ID_TOKEN=y",
			"gitlab"},
	} {
		vars := map[string]string{}
		for _, word := range strings.Fields(test.vars) {
			name, value, _ := strings.Cut(word, "=")
			vars[name] = value
		}
		env, _ := surroundings(vars)
		p, ok := identity.Detect(env, "pyx")
		if p.Name != test.want || ok != (test.want != "") {
			t.Errorf("%s: %q, %v; want %q", test.name, p.Name, ok, test.want)
		}
	}
}

// The audience may itself be called regpass; on GitLab, REGPASS_ID_TOKEN is the job's own way then.
func TestDetectAudienceRegpass(t *testing.T) {
	env, _ := surroundings(map[string]string{"GITLAB_CI": "true", "REGPASS_ID_TOKEN": "x"})
	if p, _ := identity.Detect(env, "regpass"); p.Name != "gitlab" {
		t.Errorf("%q, want gitlab", p.Name)
	}
}

// surroundings fakes an Env whose clock stands at noon and which never waits. What is masked is appended to the list.
func surroundings(vars map[string]string) (*regpass.Env, *[]string) {
	masked := &[]string{}
	return &regpass.Env{
		Getenv: func(name string) string { return vars[name] },
		HTTP:   &http.Client{},
		Now:    func() time.Time { return noon },
		Wait:   func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Mask: func(secrets ...regpass.Secret) {
			for _, s := range secrets {
				*masked = append(*masked, s.Reveal())
			}
		},
	}, masked
}

// issuer makes an issuer at noon that needs not listen, for nobody verifies what it signs.
func issuer(t *testing.T) *fake.Issuer {
	t.Helper()
	i, err := fake.NewIssuer("ES256")
	if err != nil {
		t.Fatal(err)
	}
	i.URL, i.Now = "https://ci.example", func() time.Time { return noon }
	return i
}

// sign makes a good token for pyx, but for claims.
func sign(t *testing.T, claims map[string]any) string {
	t.Helper()
	all := map[string]any{"sub": "job", "aud": "pyx", "iat": noon.Unix(), "nbf": noon.Unix(),
		"exp": noon.Add(time.Minute).Unix()}
	for name, value := range claims {
		all[name] = value
	}
	token, err := issuer(t).Sign(all)
	if err != nil {
		t.Fatal(err)
	}
	return token.Reveal()
}

// get asks a provider for a token for pyx.
func get(t *testing.T, name string, env *regpass.Env) (regpass.Identity, error) {
	t.Helper()
	p, err := identity.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return p.Get(t.Context(), env, "pyx")
}

// holdsNone fails when an error or its hints hold any of the secrets or a part of one.
func holdsNone(t *testing.T, err error, secrets ...string) {
	t.Helper()
	shown := append([]string{err.Error()}, regpass.Hints(err)...)
	for _, secret := range secrets {
		for _, part := range append(strings.Split(secret, "."), secret) {
			if len(part) >= 8 && slices.ContainsFunc(shown, func(s string) bool { return strings.Contains(s, part) }) {
				t.Errorf("a secret shows in %q", shown)
			}
		}
	}
	for _, command := range []string{"\n::", "##["} {
		if strings.HasPrefix(err.Error(), "::") || strings.Contains(err.Error(), command) {
			t.Errorf("a runner would take %q for a command", err)
		}
	}
}

// wants fails unless the error is of the outcome and it and its hints hold the texts.
func wants(t *testing.T, err, outcome error, text, hint string) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("no error, want %q", text)
	case outcome != nil && !errors.Is(err, outcome), outcome == nil && errors.Is(err, regpass.ErrNoIdentity):
		t.Errorf("%q has the wrong outcome, want %v", err, outcome)
	case !strings.Contains(err.Error(), text):
		t.Errorf("%q, want it to hold %q", err, text)
	case !strings.Contains(strings.Join(regpass.Hints(err), "\n"), hint):
		t.Errorf("hints %q, want one to hold %q", regpass.Hints(err), hint)
	}
}
