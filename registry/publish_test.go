package registry_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/registry"
)

// The indexes that publish, each as its users name it.
const (
	pypiUpload = "https://upload.pypi.org/legacy/"
	npmPackage = "https://registry.npmjs.org package=@acme/app"
	nuGetPush  = "https://www.nuget.org/api/v2/package user=acme"
)

func TestPublish(t *testing.T) {
	const quarter, half = 15 * time.Minute, 30 * time.Minute
	for _, test := range []struct {
		ref, audience, registry, host, begins string
		kind                                  regpass.Kind
		user                                  string
		life                                  time.Duration // 0: the registry does not say
		asked                                 []string
	}{
		{pypiUpload, "pypi", "pypi", "upload.pypi.org", "pypi-", regpass.Basic, "__token__", quarter,
			[]string{"GET https://pypi.org/_/oidc/audience", "POST https://pypi.org/_/oidc/mint-token"}},
		{"https://test.pypi.org/legacy", "testpypi", "pypi", "test.pypi.org", "pypi-", regpass.Basic, "__token__", quarter,
			[]string{"GET https://test.pypi.org/_/oidc/audience", "POST https://test.pypi.org/_/oidc/mint-token"}},
		{"https://pkgs.example:8443/legacy/ type=pypi", "pkgs.example:8443", "pypi", "pkgs.example:8443", "pypi-",
			regpass.Basic, "__token__", quarter, []string{"GET https://pkgs.example:8443/_/oidc/audience",
				"POST https://pkgs.example:8443/_/oidc/mint-token"}},
		{pypiUpload + " audience=own", "own", "pypi", "upload.pypi.org", "pypi-", regpass.Basic, "__token__", quarter,
			[]string{"POST https://pypi.org/_/oidc/mint-token"}},
		{"crates.io", "crates.io", "crates", "crates.io", "cio_tp_", regpass.Bearer, "", half,
			[]string{"POST https://crates.io/api/v1/trusted_publishing/tokens"}},
		{"https://crates.example/x type=crates", "crates.example", "crates", "crates.example", "cio_tp_", regpass.Bearer, "",
			half, []string{"POST https://crates.example/api/v1/trusted_publishing/tokens"}},
		{npmPackage, "npm:registry.npmjs.org", "npm", "registry.npmjs.org", "npm_", regpass.Bearer, "", 0,
			[]string{"POST https://registry.npmjs.org/-/npm/v1/oidc/token/exchange/package/@acme%2fapp"}},
		{"https://npm.example:8443/x/ type=npm package=@acme/app", "npm:npm.example", "npm", "npm.example:8443", "npm_",
			regpass.Bearer, "", 0, []string{"POST https://npm.example:8443/-/npm/v1/oidc/token/exchange/package/@acme%2fapp"}},
		{"https://rubygems.org", "rubygems.org", "rubygems", "rubygems.org", "rubygems_", regpass.Bearer, "", quarter,
			[]string{"POST https://rubygems.org/api/v1/oidc/trusted_publisher/exchange_token"}},
		{nuGetPush, "https://www.nuget.org", "nuget", "www.nuget.org", "oy2", regpass.Bearer, "", quarter,
			[]string{"POST https://www.nuget.org/api/v2/token"}},
		{"https://api.nuget.org/v3/index.json type=nuget user=acme", "https://www.nuget.org", "nuget", "www.nuget.org", "oy2",
			regpass.Bearer, "", quarter, []string{"POST https://www.nuget.org/api/v2/token"}},
	} {
		t.Run(test.ref, func(t *testing.T) {
			server := fake.NewPublish(now, test.audience)
			w := newFixture(server)
			j := &job{t: t}
			r := ref(t, test.ref)
			cred, err := w.exchange(t.Context(), r, j.proof())
			if err != nil {
				t.Fatal(said(err), server.Wrong())
			}
			if cred.Registry != test.registry || cred.Host != test.host || cred.Kind != test.kind ||
				cred.Username != test.user || !strings.HasPrefix(cred.Secret.Reveal(), test.begins) {
				t.Errorf("got %+v", cred)
			}
			if want := now().Add(test.life); test.life != 0 && !cred.Expires.Equal(want) {
				t.Errorf("ends at %s, not %s", cred.Expires, want)
			}
			if !slices.Equal(w.asked, test.asked) || len(server.Wrong()) > 0 || len(j.tokens) != 1 {
				t.Errorf("asked %q, wrong %q", w.asked, server.Wrong())
			}
			if !slices.Contains(w.masked, cred.Secret.Reveal()) {
				t.Error("the token is not masked")
			}
			// The right to publish is not mixed up with that to read, and no file of a checkout gets it.
			target, err := registry.Open(w.Env, r)
			if err != nil || !strings.HasPrefix(target.Scope, "write ") {
				t.Errorf("the scope is %q, %v", target.Scope, err)
			}
			r.Trusted, r.Origin = false, "pyproject.toml"
			if _, err := registry.Open(w.Env, r); err == nil {
				t.Error("a checkout gets it")
			}
		})
	}
}

// TestPublishTriesAgain fails if an identity is shown twice.
func TestPublishTriesAgain(t *testing.T) {
	for text, audience := range map[string]string{pypiUpload + " audience=pypi": "pypi", "crates.io": "crates.io",
		npmPackage: "npm:registry.npmjs.org", "rubygems.org": "rubygems.org", nuGetPush: "https://www.nuget.org"} {
		server := fake.NewPublish(now, audience)
		server.Instead(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
		w, j := newFixture(server), &job{t: t}
		if _, err := w.exchange(t.Context(), ref(t, text), j.proof()); err != nil || len(j.tokens) != 2 {
			t.Errorf("%s: %d identities, %v", text, len(j.tokens), err)
		}
	}
}

func TestPublishRefusals(t *testing.T) {
	for _, test := range []struct {
		ref, audience string
		says          []string
	}{
		{pypiUpload, "pypi", []string{"pypi: exchange the CI identity: POST https://pypi.org/_/oidc/mint-token: 422",
			"no corresponding publisher", "pending publisher", "`regpass trust https://upload.pypi.org/legacy/`"}},
		{"crates.io", "crates.io", []string{"crates: exchange the CI identity: POST", "400", "No Trusted Publishing config",
			"enter this job in the settings of the crate"}},
		{npmPackage, "npm:registry.npmjs.org", []string{"npm: exchange the CI identity: POST", "package not found",
			"first version published by a person", "`regpass trust https://registry.npmjs.org/ package=@acme/app`"}},
		{"rubygems.org", "rubygems.org", []string{"rubygems: exchange the CI identity: POST", "404 Not Found",
			"clock is ahead"}},
		{nuGetPush, "https://www.nuget.org", []string{"nuget: exchange the CI identity: POST", "401",
			"No matching trust policy", "user= must be the name of the person"}},
	} {
		server := fake.NewPublish(now, test.audience)
		server.Repository = "acme/other"
		w, j := newFixture(server), &job{t: t}
		_, err := w.exchange(t.Context(), ref(t, test.ref), j.proof())
		mustSay(t, err, append(test.says, `repository="acme/app"`)...)
		mustHide(t, err, j.tokens...)
		if len(j.tokens) != 1 {
			t.Errorf("%s: %d identities for a refusal", test.ref, len(j.tokens))
		}
	}
}

// TestPyPIAudience fails if a server gets an identity for another's audience.
func TestPyPIAudience(t *testing.T) {
	for _, test := range []struct {
		ref, named string
		ok         bool
	}{
		{pypiUpload, "pypi", true},
		{pypiUpload, "testpypi", false},
		{pypiUpload, "sts.amazonaws.com", false},
		{"https://test.pypi.org/legacy/", "pypi", false},
		{"https://pkgs.example/legacy/ type=pypi", "pypi", false},
		{"https://pkgs.example/legacy/ type=pypi", "https://pkgs.example/upload", true},
		{"https://pkgs.example/legacy/ type=pypi", "pkgs.example:8443", false},
	} {
		server := fake.NewPublish(now, test.named)
		w, j := newFixture(server), &job{t: t}
		_, err := w.exchange(t.Context(), ref(t, test.ref), j.proof())
		if (err == nil) != test.ok || !test.ok && len(j.tokens) > 0 {
			t.Errorf("%s, audience %s: %d identities, %v", test.ref, test.named, len(j.tokens), err)
		}
		if !test.ok {
			mustSay(t, err, "pypi: ask for the audience", "which is not its own", "add audience=…")
		}
	}
	off := fake.NewPublish(now, "pypi")
	off.Instead(text(http.StatusForbidden, `{"message":"Trusted publishing functionality not enabled"}`))
	_, err := newFixture(off).exchange(t.Context(), ref(t, pypiUpload), (&job{t: t}).proof())
	mustSay(t, err, "pypi: ask for the audience", "403", "has switched Trusted Publishing off")
}

func TestPublishHosts(t *testing.T) {
	for text, row := range map[string]string{
		pypiUpload:                                     "pypi",
		"https://upload.pypi.org/legacy":               "pypi",
		"https://test.pypi.org/legacy/":                "pypi",
		"https://pypi.org/simple":                      "static",
		"https://pypi.org/legacy/":                     "static",
		"https://test.pypi.org/simple/":                "static",
		"https://upload.pypi.org/":                     "static",
		"https://upload.pypi.org:8443/legacy/":         "static",
		"https://upload.pypi.org.evil.example/legacy/": "static",
		"https://evil-upload.pypi.org/legacy/":         "static",
		"crates.io":                                    "crates",
		"https://index.crates.io":                      "static",
		"https://crates.io:8443":                       "static",
		"https://crates.io.evil.example":               "static",
		"https://registry.npmjs.org/":                  "npm",
		"https://registry.npmjs.org.evil.example/":     "static",
		"https://rubygems.org/":                        "rubygems",
		"https://index.rubygems.org/":                  "static",
		"https://www.nuget.org/api/v2/package":         "nuget",
		"https://api.nuget.org/v3/index.json":          "static",
	} {
		r := ref(t, text)
		found, err := registry.Find(newFixture(nil).Env, r)
		if err != nil || found.Name != row {
			t.Errorf("%s: %s, %v, want %s", text, found.Name, err, row)
		}
		if r.Trusted = false; found.Trusts(newFixture(nil).Env, r) {
			t.Errorf("%s: a checkout gets a credential", text)
		}
	}
	index := ref(t, "https://pypi.org/simple")
	row, _ := registry.Find(newFixture(nil).Env, index)
	if !row.IsPublic(index) {
		t.Error("PyPI's index is not public")
	}
	for text, says := range map[string]string{
		"https://pypi.org/simple type=pypi":                              "is not where an index takes uploads",
		"https://upload.pypi.org type=pypi":                              "https://upload.pypi.org/legacy/",
		"https://pkgs.example/simple/ type=pypi":                         "to read, leave out type=pypi",
		"https://registry.npmjs.org package=../../x":                     "is no name of an npm package",
		"https://registry.npmjs.org package=@acme/app/x":                 "is no name of an npm package",
		"https://registry.npmjs.org package=@acme%2fapp":                 "is no name of an npm package",
		"https://registry.npmjs.org package=" + strings.Repeat("a", 215): "is no name of an npm package",
	} {
		_, err := registry.Open(newFixture(nil).Env, ref(t, text))
		mustSay(t, err, says)
	}
}

// TestPublishTokens fails if a variable's token goes to another server than the variable's.
func TestPublishTokens(t *testing.T) {
	const secret = "a-token-of-the-index"
	for _, test := range []struct {
		ref  string
		vars map[string]string
		user string // empty: none
		kind regpass.Kind
		want bool
	}{
		{pypiUpload, set("UV_PUBLISH_TOKEN", secret), "__token__", regpass.Basic, true},
		{pypiUpload, set("UV_PUBLISH_TOKEN", secret, "UV_PUBLISH_URL", "https://pkgs.example/x"), "", "", false},
		{pypiUpload, set("UV_PUBLISH_TOKEN", secret, "UV_PUBLISH_INDEX", "acme"), "", "", false},
		{"https://pkgs.example/y type=pypi", set("UV_PUBLISH_TOKEN", secret,
			"UV_PUBLISH_URL", "https://pkgs.example/x"), "__token__", regpass.Basic, true},
		{"https://pkgs.example/y type=pypi", set("UV_PUBLISH_TOKEN", secret), "", "", false},
		{"https://test.pypi.org/legacy/", set("UV_PUBLISH_TOKEN", secret), "", "", false},
		{pypiUpload, set("TWINE_PASSWORD", secret), "__token__", regpass.Basic, true},
		{pypiUpload, set("TWINE_PASSWORD", secret, "TWINE_USERNAME", "acme"), "acme", regpass.Basic, true},
		{pypiUpload, set("TWINE_PASSWORD", secret, "TWINE_REPOSITORY", "testpypi"), "", "", false},
		{pypiUpload, set("TWINE_PASSWORD", secret, "TWINE_REPOSITORY", "acme"), "", "", false},
		{"https://test.pypi.org/legacy/", set("TWINE_PASSWORD", secret, "TWINE_REPOSITORY", "testpypi"),
			"__token__", regpass.Basic, true},
		{"https://pkgs.example/y type=pypi", set("TWINE_PASSWORD", secret,
			"TWINE_REPOSITORY_URL", "https://pkgs.example/x"), "__token__", regpass.Basic, true},
		{"crates.io", set("CARGO_REGISTRY_TOKEN", secret), "", regpass.Bearer, true},
		{"https://crates.example type=crates", set("CARGO_REGISTRY_TOKEN", secret), "", "", false},
		{npmPackage, set("NPM_TOKEN", secret), "", regpass.Bearer, true},
		{npmPackage, set("NODE_AUTH_TOKEN", secret), "", "", false}, // whose it is, only .npmrc says
		{"https://npm.example type=npm", set("NPM_TOKEN", secret), "", "", false},
		{"rubygems.org", set("GEM_HOST_API_KEY", secret), "", regpass.Bearer, true},
		{"rubygems.org", set("GEM_HOST_API_KEY", secret, "RUBYGEMS_HOST", "https://gems.example"), "", "", false},
		{"https://gems.example type=rubygems", set("GEM_HOST_API_KEY", secret,
			"RUBYGEMS_HOST", "https://gems.example"), "", regpass.Bearer, true},
		{nuGetPush, set("NUGET_API_KEY", secret), "", regpass.Bearer, true},
		{"https://nuget.example/v3/index.json type=nuget", set("NUGET_API_KEY", secret), "", "", false},
	} {
		checkSource(t, test.ref, test.vars, secret, test.want,
			regpass.Credential{Kind: test.kind, Username: test.user})
	}
}

// set makes variables of names and values.
func set(pairs ...string) map[string]string {
	vars := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		vars[pairs[i]] = pairs[i+1]
	}
	return vars
}

// checkSource looks for a proof in the variables, and makes a credential of it as it is.
func checkSource(t *testing.T, text string, vars map[string]string, secret string, found bool,
	want regpass.Credential) {
	t.Helper()
	w := newFixture(http.NotFoundHandler())
	w.vars = vars
	w.Getenv = func(name string) string { return vars[name] }
	target, err := registry.Open(w.Env, ref(t, text))
	if err != nil {
		t.Errorf("%s: %s", text, said(err))
		return
	}
	for _, s := range target.Row.Proofs {
		p, ok, err := s.Find(w.Env, target)
		if err != nil || !ok {
			continue
		}
		cred, err := target.Exchange(t.Context(), w.Env, p)
		if err != nil || cred.Kind != want.Kind || cred.Username != want.Username || cred.Secret.Reveal() != secret {
			t.Errorf("%s %v: got %+v, %v", text, vars, cred, err)
		}
		if !found {
			t.Errorf("%s: a token in %v is taken", text, vars)
		}
		if len(w.asked) > 0 {
			t.Errorf("%s: asked %q", text, w.asked)
		}
		return
	}
	if found {
		t.Errorf("%s: nothing is found in %v", text, vars)
	}
}

func TestPublishNeeds(t *testing.T) {
	for text, needs := range map[string]string{
		"registry.npmjs.org":                   "package=",
		"https://www.nuget.org/api/v2/package": "NUGET_USER or user=",
	} {
		w := newFixture(fake.NewPublish(now, ""))
		target, err := registry.Open(w.Env, ref(t, text))
		if err != nil || !slices.Equal(target.Missing(w.Env), []string{needs}) {
			t.Errorf("%s: misses %q, %v", text, target.Missing(w.Env), err)
		}
	}
	_, err := newFixture(nil).exchange(t.Context(), ref(t, "registry.npmjs.org"), (&job{t: t}).proof())
	mustSay(t, err, "does not say which package", "`registry.npmjs.org package=NAME`")
	w := newFixture(fake.NewPublish(now, "https://www.nuget.org"))
	w.vars["NUGET_USER"] = "acme"
	if _, err := w.exchange(t.Context(), ref(t, "www.nuget.org"), (&job{t: t}).proof()); err != nil {
		t.Error(said(err))
	}
}

func TestCratesRevoke(t *testing.T) {
	server := fake.NewPublish(now, "crates.io")
	w := newFixture(server)
	r := ref(t, "crates.io")
	cred, err := w.exchange(t.Context(), r, (&job{t: t}).proof())
	if err != nil {
		t.Fatal(said(err))
	}
	target, err := registry.Open(w.Env, r)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // it is no error if it has ended already
		if err := target.Row.Revoke(t.Context(), w.Env, target.Revoker, cred); err != nil {
			t.Error(said(err))
		}
	}
	if server.Live(cred.Secret.Reveal()) || w.asked[1] != "DELETE https://crates.io/api/v1/trusted_publishing/tokens" {
		t.Errorf("it lives, asked %q", w.asked)
	}
	server.Instead(text(http.StatusUnauthorized, "no: "+cred.Secret.Reveal()))
	err = target.Row.Revoke(t.Context(), w.Env, target.Revoker, cred)
	mustSay(t, err, "crates: revoke the token")
	mustHide(t, err, cred.Secret.Reveal())
}

func TestPublishTrust(t *testing.T) {
	claims := func(pairs ...string) (all []registry.Claim) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, registry.Claim{Name: pairs[i], Value: pairs[i+1]})
		}
		return all
	}
	github := registry.Job{Issuer: "https://token.actions.githubusercontent.com", Claims: claims("sub", "repo:acme/app:x",
		"repository", "acme/app", "workflow_ref", "acme/app/.github/workflows/release.yml@refs/tags/v1",
		"environment", "live")}
	gitlab := registry.Job{Issuer: "https://gitlab.com", Claims: claims("sub", "project_path:acme/sub/app:x",
		"project_path", "acme/sub/app", "ci_config_ref_uri", "gitlab.com/acme/sub/app//ci/release.yml@refs/heads/main")}
	own, circle, event := gitlab, registry.Job{Issuer: "https://oidc.circleci.com"}, github
	own.Issuer = "https://gitlab.corp"
	event.Claims = append(slices.Clone(github.Claims), registry.Claim{Name: "event_name", Value: "workflow_run"})
	for _, test := range []struct {
		ref  string
		job  registry.Job
		want string // the values that are entered; or else
		says string // what the refusal says
	}{
		{pypiUpload, github, "acme app release.yml live", ""},
		{pypiUpload, gitlab, "acme/sub app ci/release.yml", ""},
		{pypiUpload, own, "https://gitlab.corp acme/sub app ci/release.yml", ""},
		{pypiUpload, circle, "",
			`what to enter at pypi.org for a job of the issuer "https://oidc.circleci.com" is not known`},
		{"crates.io", github, "acme app release.yml live", ""},
		{"crates.io", gitlab, "acme/sub app ci/release.yml", ""},
		{"crates.io", own, "", "is not known"},
		{"crates.io", event, "", "no job that workflow_run started may publish"},
		{npmPackage, github, "acme app release.yml live", ""},
		{npmPackage, gitlab, "acme/sub app ci/release.yml", ""},
		{"rubygems.org", github, "acme app release.yml live", ""},
		{"rubygems.org", gitlab, "", "is not known"},
		{nuGetPush, github, "acme app release.yml live", ""},
		{nuGetPush, gitlab, "acme/sub app ci/release.yml", ""},
	} {
		w := newFixture(nil)
		target, err := registry.Open(w.Env, ref(t, test.ref))
		if err != nil {
			t.Fatal(err)
		}
		trust, err := target.Row.Trust(w.Env, target, test.job)
		if test.says != "" {
			mustSay(t, err, test.says)
			continue
		}
		var values []string
		for _, f := range trust.Fields {
			values = append(values, f.Value)
		}
		if got := strings.Join(values, " "); err != nil || got != test.want {
			t.Errorf("%s %s: %q, %v, want %q", test.ref, test.job.Issuer, got, err, test.want)
		}
		if target.Row.Name != "npm" {
			continue
		}
		command := "npm trust github '@acme/app' --file 'release.yml' --repository 'acme/app' --environment 'live' --yes\n"
		if test.job.Issuer == gitlab.Issuer {
			command = "npm trust gitlab '@acme/app' --file 'ci/release.yml' --project 'acme/sub/app' --yes\n"
		}
		if trust.Shell != command {
			t.Errorf("%s", trust.Shell)
		}
	}
}

func publishWays(t *testing.T, by func(registry.Proof) func(context.Context, *fixture, regpass.Ref) error) []way {
	var all []way
	for _, one := range []struct{ name, ref, audience, broken, end string }{
		{"pypi's token", pypiUpload, "pypi", `{"success":true,"token":%s}`,
			`{"success":true,"token":"pypi-0123456789abcdef","expires":%s}`},
		{"crates' token", "crates.io", "crates.io", `{"token":%s}`, ""},
		{"npm's token", npmPackage, "npm:registry.npmjs.org", `{"token":%s}`, ""},
		{"RubyGems' key", "rubygems.org", "rubygems.org", `{"rubygems_api_key":%s}`,
			`{"rubygems_api_key":"rubygems_0123456789","expires_at":%s}`},
		{"NuGet's key", nuGetPush, "https://www.nuget.org", `{"apiKey":%s}`, `{"apiKey":"oy20123456789abcdef","expires":%s}`},
	} {
		j := &job{t: t}
		way := way{name: one.name, ref: one.ref, run: by(j.proof()), sent: func() []string { return j.tokens },
			server: func() http.Handler { return fake.NewPublish(now, one.audience) }, broken: []string{one.broken},
			end: one.end, endless: one.end == ""}
		if one.ref == pypiUpload {
			ask := way
			ask.name, ask.broken = "pypi's audience", []string{`{"audience":%s}`}
			ask.end, ask.endless = "", true
			all = append(all, ask)
			way.before = 1
		}
		all = append(all, way)
	}
	return all
}
