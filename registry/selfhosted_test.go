package registry_test

import (
	"net/http"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/registry"
)

const (
	giteaIndex = "https://git.example/api/packages/acme/pypi/simple"
	nexusIndex = "https://nexus.example/repository/pypi/simple/ type=nexus"
	quetzIndex = "https://quetz.example/get/acme type=quetz"
	gemfuryNPM = "https://npm.fury.io/acme/"
)

// giteaJob are the variables of a job of Gitea at a server, and more.
func giteaJob(server string, more ...string) map[string]string {
	return set(append(more, "GITHUB_ACTIONS", "true", "GITEA_ACTIONS", "true", "GITHUB_SERVER_URL", server)...)
}

// TestKeysAsTheyAre holds how each server is given a key, and that no variable's goes to another server.
func TestKeysAsTheyAre(t *testing.T) {
	const secret = "a-token-of-the-server"
	basic := func(user string) regpass.Credential { return regpass.Credential{Kind: regpass.Basic, Username: user} }
	bearer, inPath := regpass.Credential{Kind: regpass.Bearer}, regpass.Credential{Kind: regpass.CondaToken}
	for _, test := range []struct {
		ref  string
		vars map[string]string
		want bool
		cred regpass.Credential
	}{
		{giteaIndex, giteaJob("https://git.example", "GITHUB_TOKEN", secret), true, basic("__token__")},
		{giteaIndex, giteaJob("https://git.example", "GITEA_TOKEN", secret), true, basic("__token__")},
		{giteaIndex + " type=gitea username=alice", giteaJob("https://git.example", "FORGEJO_TOKEN", secret), true,
			basic("alice")},
		{"https://other.example/api/packages/acme/pypi type=gitea", giteaJob("https://git.example", "GITEA_TOKEN", secret),
			false, basic("")},
		{giteaIndex + " type=gitea", set("GITHUB_SERVER_URL", "https://git.example", "GITHUB_TOKEN", secret),
			false, basic("")}, // the variable is of GitHub
		{giteaIndex + " type=gitea", set("GITEA_SERVER_URL", "https://git.example/", "GITEA_SERVER_TOKEN", secret),
			true, basic("__token__")},
		{giteaIndex + " type=gitea", set("GITEA_SERVER_URL", "https://git.example:8443",
			"GITEA_SERVER_TOKEN", secret), false, basic("")},
		{giteaIndex + " type=gitea", set("GITEA_SERVER_TOKEN", secret), false, basic("")},
		{nexusIndex, set("NEXUS_URL", "https://nexus.example", "NEXUS_USERNAME", "code", "NEXUS_PASSWORD", secret),
			true, basic("code")},
		{nexusIndex, set("NEXUS_URL", "https://other.example", "NEXUS_USERNAME", "code",
			"NEXUS_PASSWORD", secret), false, basic("")},
		{nexusIndex, set("NEXUS_USERNAME", "code", "NEXUS_PASSWORD", secret), false, basic("")},
		{nexusIndex, set("NEXUS_URL", "https://nexus.example", "NEXUS_PASSWORD", secret), false, basic("")},
		{"harbor.example type=harbor", set("HARBOR_URL", "https://harbor.example",
			"HARBOR_USERNAME", "robot$acme+ci", "HARBOR_PASSWORD", secret), true, basic("robot$acme+ci")},
		{"harbor.example type=harbor", set("HARBOR_URL", "http://harbor.example",
			"HARBOR_USERNAME", "robot$ci", "HARBOR_PASSWORD", secret), false, basic("")},
		{quetzIndex, set("QUETZ_API_KEY", secret), true, inPath},
		{quetzIndex, set("QUETZ_API_KEY", secret, "QUETZ_SERVER_URL", "https://quetz.example/"), true, inPath},
		{quetzIndex, set("QUETZ_API_KEY", secret, "QUETZ_SERVER_URL", "https://other.example"), false, inPath},
		{gemfuryNPM, set("GEMFURY_TOKEN", secret), true, bearer},
		{"https://npm-proxy.fury.io/acme/", set("FURY_TOKEN", secret), true, bearer},
		{"https://repo.anaconda.cloud/repo/acme", set("ANACONDA_AUTH_API_KEY", secret), true, bearer},
		{"https://repo.anaconda.com/pkgs/main", set("ANACONDA_AUTH_API_KEY", secret), true, bearer},
		{"https://conda.anaconda.org/acme", set("ANACONDA_AUTH_API_KEY", secret), false, inPath},
		{"https://conda.anaconda.org/acme", set("ANACONDA_API_TOKEN", secret), true, inPath},
		{"https://conda.anaconda.org/acme", set("BINSTAR_API_TOKEN", secret), true, inPath},
	} {
		checkSource(t, test.ref, test.vars, secret, test.want, test.cred)
	}
}

func TestSelfHostedHosts(t *testing.T) {
	on := giteaJob("https://git.example")
	below := giteaJob("https://corp.example/git")
	for _, test := range []struct {
		ref     string
		vars    map[string]string
		row     string
		trusted bool // in a file of the checkout
	}{
		{giteaIndex, on, "gitea", true},
		{"git.example", on, "gitea", true},
		{giteaIndex, nil, "static", false},
		{giteaIndex, set("GITHUB_ACTIONS", "true", "GITHUB_SERVER_URL", "https://git.example"), "static", false},
		{"https://git.example/acme/app", on, "static", false},
		{"https://git.example/api/packages", on, "static", false},
		{"https://git.example:8443/api/packages/acme/pypi", on, "static", false},
		{"https://git.example.evil.example/api/packages/acme/pypi", on, "static", false},
		{"https://corp.example/git/api/packages/acme/npm/", below, "gitea", true},
		{"https://corp.example/api/packages/acme/npm/", below, "static", false},
		{"https://nexus.example/repository/pypi/simple/", nil, "static", false},
		{"https://repo.anaconda.cloud/repo/acme", nil, "anaconda.com", true},
		{"https://repo.anaconda.cloud:8443/repo/acme", nil, "static", false},
		{"https://repo.anaconda.cloud.evil.example/repo/acme", nil, "static", false},
		{gemfuryNPM, nil, "gemfury", false},
		{"https://evilfury.io/acme/", nil, "static", false},
	} {
		w := newFixture(nil)
		w.Getenv = func(name string) string { return test.vars[name] }
		r := ref(t, test.ref)
		row, err := registry.Find(w.Env, r)
		if err != nil || row.Name != test.row {
			t.Errorf("%s: %s, %v, want %s", test.ref, row.Name, err, test.row)
		}
		if r.Trusted = false; row.Trusts(w.Env, r) != test.trusted {
			t.Errorf("%s: in a checkout trusted %v", test.ref, !test.trusted)
		}
	}
	for text, public := range map[string]bool{"https://repo.anaconda.com/pkgs/main": true,
		"https://repo.anaconda.cloud/repo/acme": false} {
		r := ref(t, text)
		if row, _ := registry.Find(newFixture(nil).Env, r); row.IsPublic(r) != public {
			t.Errorf("%s: public %v", text, !public)
		}
	}
}

func TestSelfHostedRefuses(t *testing.T) {
	const secret = "a-token-of-the-server"
	for text, says := range map[string]string{
		"https://pypi.fury.io/acme/":              "takes a token only as the user name",
		"https://push.fury.io/acme/":              "by hand",
		"https://fury.example/acme/ type=gemfury": "takes a token only as the user name",
		nexusIndex:                           "username=NAME",
		"https://harbor.example type=harbor": "username=NAME",
		"https://repo.anaconda.cloud/repo/acme kind=digest":          `unknown kind "digest"`,
		"https://git.example/api/packages/a/pypi type=gitea kind=s3": `unknown option "kind"`,
	} {
		_, err := newFixture(http.NotFoundHandler()).exchange(t.Context(), ref(t, text), key(regpass.APIKey, "KEY", secret))
		mustSay(t, err, says)
		mustHide(t, err, secret)
	}
	// A key of npm's has no user.
	npm := ref(t, nexusIndex+" kind=bearer")
	cred, err := newFixture(nil).exchange(t.Context(), npm, key(regpass.APIKey, "KEY", secret))
	if err != nil || cred.Kind != regpass.Bearer || cred.Secret.Reveal() != secret {
		t.Errorf("%+v, %v", cred, err)
	}
}
