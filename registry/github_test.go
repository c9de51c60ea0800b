package registry_test

import (
	"net/http"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/registry"
)

// TestGitHubMatches holds which hosts are GitHub's, and that a token goes only to the server that the job is on.
func TestGitHubMatches(t *testing.T) {
	const dotcom, own = "https://github.com", "https://git.corp.example"
	for _, test := range []struct {
		server, ref string
		row         string
		token       bool
	}{
		{"", "https://ghcr.io/acme/app", "github", true},
		{dotcom, "https://ghcr.io/acme/app", "github", true},
		{dotcom, "ghcr.io", "github", true},
		{dotcom, "https://npm.pkg.github.com/acme", "github", true},
		{dotcom, "https://nuget.pkg.github.com/acme/index.json", "github", true},
		{dotcom, "https://maven.pkg.github.com/acme/app", "github", true},
		{dotcom, "https://rubygems.pkg.github.com/acme", "github", true},
		{dotcom, "https://docker.pkg.github.com/acme", "github", true},
		{dotcom, "https://pypi.pkg.github.com/acme", "static", false},
		{dotcom, "https://ghcr.io:8443/acme", "static", false},
		{dotcom, "https://ghcr.io.evil.example/acme", "static", false},
		{dotcom, "https://evil-ghcr.io/acme", "static", false},
		{dotcom, "https://npm.pkg.github.com.evil.example/acme", "static", false},
		{dotcom, "https://github.com/acme", "static", false},
		{dotcom, "https://npm.github.com/acme", "static", false},
		{dotcom, "https://github.com/_registry/npm/", "static", false},
		{own, "https://ghcr.io/acme/app", "github", false}, // that server's token is not for github.com
		{own, "https://npm.git.corp.example/acme", "github", true},
		{own, "https://containers.git.corp.example/acme", "github", true},
		{own, "https://git.corp.example/_registry/npm/acme", "github", true},
		{own, "https://git.corp.example/acme/app", "static", false},
		{own, "https://evil.git.corp.example/acme", "static", false},
		{own, "https://npm.git.corp.example:8443/acme", "static", false},
		{own, "https://npm.git.corp.example.evil.example/acme", "static", false},
		{"https://acme.ghe.com", "https://containers.acme.ghe.com/acme", "github", true},
		{"https://acme.ghe.com", "https://containers.other.ghe.com/acme", "static", false},
		{"not a URL", "https://ghcr.io/acme", "github", false},
	} {
		for _, name := range []string{"GITHUB_TOKEN", "GH_TOKEN", "GH_ENTERPRISE_TOKEN"} {
			test := test // GitHub's client has a variable for github.com and ghe.com, and another for servers of one's own
			enterprise := test.server == own
			if name == "GH_TOKEN" && enterprise || name == "GH_ENTERPRISE_TOKEN" && !enterprise {
				test.token = false
			}
			w := newFixture(http.NotFoundHandler())
			w.vars["GITHUB_SERVER_URL"], w.vars[name] = test.server, "ghs_0123456789abcdef"
			target, err := registry.Open(w.Env, ref(t, test.ref))
			if err != nil || target.Row.Name != test.row {
				t.Errorf("%s on %s: %s, %v; want %s", test.ref, test.server, target.Row.Name, err, test.row)
				continue
			}
			p, ok, err := found(w, target)
			if ok != test.token || err != nil {
				t.Errorf("%s on %s: the token goes there: %v, %v; want %v", test.ref, test.server, ok, err, test.token)
			}
			if !ok {
				continue
			}
			cred, err := target.Exchange(t.Context(), w.Env, p)
			if err != nil || cred.Kind != regpass.Bearer || cred.Username != "x-access-token" ||
				cred.Secret.Reveal() != "ghs_0123456789abcdef" || !target.Row.Images || len(w.asked) > 0 {
				t.Errorf("%s: %+v, %v, asked %q", test.ref, cred, err, w.asked)
			}
		}
	}
	// Forgejo and Gitea have GitHub's variables.
	w := newFixture(nil)
	w.vars["GITHUB_SERVER_URL"], w.vars["FORGEJO_ACTIONS"], w.vars["GITHUB_TOKEN"] = "https://git.example", "true", "x"
	for _, text := range []string{"https://npm.git.example/acme", "https://ghcr.io/acme"} {
		if target, err := registry.Open(w.Env, ref(t, text)); err != nil {
			t.Error(err)
		} else if p, ok, err := found(w, target); ok || err != nil {
			t.Errorf("%s: %s goes there, %v", text, p.From, err)
		}
	}
}

func TestGitHubKey(t *testing.T) {
	w := newFixture(nil)
	for text, want := range map[string]regpass.Credential{
		"https://ghcr.io/acme":                        {Kind: regpass.Bearer, Username: "x-access-token"},
		"https://ghcr.io/acme username=alice":         {Kind: regpass.Basic, Username: "alice"},
		"https://ghcr.io/acme username=a kind=bearer": {Kind: regpass.Bearer, Username: "a"},
		"https://git.corp.example/ type=github":       {Kind: regpass.Bearer, Username: "x-access-token"},
	} {
		cred, err := w.exchange(t.Context(), ref(t, text), key(regpass.APIKey, "--token-stdin", "ghp_0123456789"))
		if err != nil || cred.Kind != want.Kind || cred.Username != want.Username {
			t.Errorf("%s: %+v, %v", text, cred, err)
		}
	}
	_, err := w.exchange(t.Context(), ref(t, "https://ghcr.io/acme"), (&job{t: t}).proof())
	mustSay(t, err, "github: ", "takes no CI identity")
	target, err := registry.Open(w.Env, ref(t, "https://ghcr.io/acme"))
	if err != nil || target.KeyVars()[0] != "GITHUB_TOKEN" || len(target.KeyVars()) != 1 {
		t.Errorf("%v, %q", err, target.KeyVars())
	}
}
