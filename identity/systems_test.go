package identity_test

import (
	"cmp"
	"slices"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
	"github.com/regpass/regpass/identity"
)

// wantProvider reports whether a CI system needs a provider of its own.
func wantProvider(s ci.System) bool { return s.HasJobs() && s.Tokens != ci.NoTokens && !s.InVariable }

// clouds are the providers that come last.
var clouds = []string{"aws"}

// Every CI system that gives its jobs tokens has a provider, in the order of the systems; no other system has one.
func TestSystemsHaveProviders(t *testing.T) {
	var want []string
	for _, s := range ci.Systems {
		if wantProvider(s) {
			want = append(want, s.Name)
		}
	}
	var got []string
	for _, p := range identity.Providers {
		if !slices.Contains([]string{"variable", "file", "command"}, p.Name) && !slices.Contains(clouds, p.Name) {
			got = append(got, p.Name)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("providers %q, want one for each of %q", got, want)
	}
}

// Every provider but the first three and the clouds is that of a CI system, and says the same as its row.
func TestProvidersHaveSystems(t *testing.T) {
	for i, p := range identity.Providers {
		s, err := regpass.Pick("system", p.Name, ci.Systems, func(s ci.System) string { return s.Name })
		switch {
		case i < 3 && err == nil:
			t.Errorf("%s is a CI system, and comes before what is set on purpose", p.Name)
		case i < 3, i >= len(identity.Providers)-len(clouds) && slices.Contains(clouds, p.Name):
		case err != nil:
			t.Errorf("%s: %v", p.Name, err)
		case p.Title != s.Title || p.Audience != s.Audience || !slices.Equal(p.Claims, s.Claims):
			t.Errorf("%s says other than its system", p.Name)
		case p.Reusable == (s.Tokens == ci.AnyAudience):
			t.Errorf("%s: reusable %v, tokens %v", p.Name, p.Reusable, s.Tokens)
		default:
			env, _ := surroundings(map[string]string{s.Flag.Var: cmp.Or(s.Flag.Value, "7")})
			if found, _ := identity.Detect(env, "pyx"); found.Name != p.Name {
				t.Errorf("with the flag of %s, %q is detected", p.Name, found.Name)
			}
		}
	}
}

// Where all tokens of a job are for one audience, the job is asked for that audience only.
func TestGetFixedAudience(t *testing.T) {
	p, err := identity.Find("variable")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ only, asked, err string }{
		{"pyx", "pyx", ""},
		{"$ORGANIZATION_URL", "https://acme.example", ""},
		{"$ORGANIZATION_URL", "pyx", `its ID tokens are all for the audience "https://acme.example", not for "pyx"`},
		{"pypi", "pyx", `its ID tokens are all for the audience "pypi", not for "pyx"`},
		{"$UNSET", "other", `the ID token is for the audience "pyx, https://acme.example", not for "other"`},
	} {
		p.Audience = test.only
		env, _ := surroundings(map[string]string{
			"ORGANIZATION_URL": "https://acme.example",
			"REGPASS_ID_TOKEN": sign(t, map[string]any{"aud": []string{"pyx", "https://acme.example"}}),
		})
		_, err := p.Get(t.Context(), env, test.asked)
		switch {
		case test.err != "":
			wants(t, err, regpass.ErrNoIdentity, "identity: variable: "+test.err, "")
		case err != nil:
			t.Errorf("%s of %s: %v", test.asked, test.only, err)
		}
	}
}
