package registry_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/registry"
)

// What is known of a host decides alone whether a ref of the checkout may get a credential: status, token and builds
// all ask here.
func TestTrusts(t *testing.T) {
	for _, test := range []struct {
		ref, api string
		want     bool // if only the checkout names it
	}{
		{ref: "https://api.pyx.dev/simple/acme/main", want: true},
		{ref: "https://pyx.corp.example/simple/acme/main", api: "https://pyx.corp.example", want: true},
		{ref: "https://pyx.corp.example/simple/acme/main"},
		{ref: "https://repo.prefix.dev/acme", want: true},
		{ref: "https://conda.anaconda.org/acme", want: true},
		{ref: "https://anaconda.org.evil.example/acme"},
		{ref: "https://gitlab.com/api/v4/projects/1/packages/pypi/simple", want: true},
		{ref: "https://evil.example/api/v4/projects/1/packages/pypi/simple"},
		{ref: "https://quetz.corp/acme"},
		{ref: "s3://bucket/acme"},
	} {
		w := newFixture(http.NotFoundHandler())
		w.vars["PYX_API_URL"] = test.api
		r := ref(t, test.ref)
		row, err := registry.Find(w.Env, r)
		if err != nil {
			t.Fatal(err)
		}
		if !row.Trusts(w.Env, r) {
			t.Errorf("%s is not trusted where the user names it", test.ref)
		}
		r.Trusted, r.Origin = false, "pixi.toml"
		_, err = registry.Open(w.Env, r)
		if got := row.Trusts(w.Env, r); got != test.want || (err == nil) != test.want {
			t.Errorf("%s in a file of the checkout: trusted %v, opened with %v; want %v", test.ref, got, err, test.want)
		}
	}
}

func TestIsPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"https://conda.anaconda.org/conda-forge":       true,
		"https://conda.anaconda.org/bioconda/linux-64": true,
		"https://conda.anaconda.org/conda-forge-acme":  false,
		"https://conda.anaconda.org/acme":              false,
		"https://repo.prefix.dev/conda-forge":          true,
		"https://repo.prefix.dev/conda%2Dforge":        false, // not as the server lists it, so a credential is asked for
		"https://api.pyx.dev/conda-forge":              false,
		"https://quetz.corp/conda-forge":               false,
	} {
		r := ref(t, text)
		row, err := registry.Find(newFixture(nil).Env, r)
		if err != nil {
			t.Fatal(err)
		}
		if got := row.IsPublic(r); got != want {
			t.Errorf("%s: public %v, want %v", text, got, want)
		}
	}
}

func TestOptionsOfTheCheckout(t *testing.T) {
	for text, says := range map[string]string{
		"https://api.pyx.dev/simple/a/b name=acme":                     "",
		"https://api.pyx.dev/simple/a/b workspace=acme":                "",
		"https://api.pyx.dev/simple/a/b audience=sts.amazonaws.com":    "audience= is not taken",
		"https://conda.anaconda.org/acme kind=bearer":                  "kind= is not taken",
		"https://conda.anaconda.org/acme username=root":                "username= is not taken",
		"https://gitlab.com/api/v4/projects/1/packages/pypi token=job": "token= is not taken",
	} {
		r := ref(t, text)
		if _, err := registry.Find(newFixture(nil).Env, r); err != nil {
			t.Errorf("%s on the command line: %v", text, err)
		}
		r.Trusted, r.Origin = false, "pyproject.toml"
		_, err := registry.Find(newFixture(nil).Env, r)
		if says == "" && err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if says != "" {
			mustSay(t, err, says, "pyproject.toml")
		}
	}
	named := ref(t, "https://api.pyx.dev/simple/a/b name=acme")
	if target, err := registry.Open(newFixture(nil).Env, named); err != nil || target.Ref.Options["name"] != "acme" {
		t.Errorf("the name on the command line: %v, %v", target.Ref.Options, err)
	}
	named.Trusted = false
	if target, err := registry.Open(newFixture(nil).Env, named); err != nil || len(target.Ref.Options) != 0 {
		t.Errorf("the name in a file of the checkout: %v, %v", target.Ref.Options, err)
	}
	_, err := registry.Find(newFixture(nil).Env, ref(t, "https://quetz.corp/acme kind=telepathy"))
	mustSay(t, err, `unknown kind "telepathy" (known: bearer, basic, conda-token, s3)`)
}

func TestScopeFor(t *testing.T) {
	target, err := registry.Open(newFixture(nil).Env, ref(t, "https://api.pyx.dev/simple/acme/main"))
	if err != nil {
		t.Fatal(err)
	}
	if got := target.ScopeFor(regpass.OIDC); got != "read acme" {
		t.Errorf("an identity's scope is %q", got)
	}
	if got := target.ScopeFor(regpass.APIKey); got != "" {
		t.Errorf("a key's scope is %q", got)
	}
	for _, text := range []string{"https://acme-123456789012.d.codeartifact.eu-west-1.amazonaws.com/pypi/main/simple/",
		"https://pkgs.dev.azure.com/acme/_packaging/main/pypi/simple/", "acmeimages.azurecr.io"} {
		cloud, err := registry.Open(newFixture(nil).Env, ref(t, text))
		if err != nil || cloud.Scope == "" || cloud.ScopeFor(regpass.Cloud) != cloud.Scope ||
			cloud.ScopeFor(regpass.APIKey) != cloud.Scope {
			t.Errorf("%s: %v: what a machine gets there could be used at another registry", text, err)
		}
	}
	if !slices.Equal(target.Hosts, []string{"api.pyx.dev"}) || target.Revoker.String() != target.Receiver.String() {
		t.Errorf("hosts %v, receiver %v, revoker %v", target.Hosts, target.Receiver, target.Revoker)
	}
	// The receiver of a domain of CodeArtifact is its region's STS: keys get a token of that one domain.
	if target, err = registry.Open(newFixture(nil).Env, ref(t, codeArtifactIndex)); err != nil {
		t.Fatal(err)
	}
	for _, m := range []regpass.Method{regpass.OIDC, regpass.Cloud, regpass.APIKey} {
		if got := target.ScopeFor(m); got != target.Scope || got == "" {
			t.Errorf("the scope with the %s is %q", m, got)
		}
	}
}
