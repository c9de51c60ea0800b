package identity_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
	"github.com/regpass/regpass/identity"
)

// wantProvider reports whether a CI system needs a provider of its own.
func wantProvider(s ci.System) bool { return s.HasJobs() && s.Tokens != ci.NoTokens && !s.InVariable }

// onPurpose and inside are the providers that are no CI system: those of variables that somebody set on purpose come
// before all CI systems, and what a job runs in comes after.
var (
	onPurpose = []string{"variable", "file", "command"}
	inside    = []string{"kubernetes", "spiffe", "aws", "google"}
)

func ofSystems() []identity.Provider {
	return identity.Providers[len(onPurpose) : len(identity.Providers)-len(inside)]
}

// What somebody set comes first, then the CI system, then what the job runs in, the machine itself last.
func TestOrderOfProviders(t *testing.T) {
	names := regpass.Names(identity.Providers, func(p identity.Provider) string { return p.Name })
	if !slices.Equal(names[:len(onPurpose)], onPurpose) || !slices.Equal(names[len(names)-len(inside):], inside) {
		t.Errorf("the order is %q", names)
	}
	env, _ := surroundings(map[string]string{"SPIFFE_ENDPOINT_SOCKET": "unix:///x", "GCE_METADATA_HOST": "127.0.0.1",
		"AWS_WEB_IDENTITY_TOKEN_FILE": "/token"})
	vars := env.Getenv
	for _, test := range []struct{ set, audience, want string }{
		{"", "sts.amazonaws.com", "kubernetes"},
		{"", "pyx", "spiffe"},
		{"GITLAB_CI=true", "sts.amazonaws.com", "gitlab"},
		{"GITHUB_ACTIONS=true", "pyx", "github"},
		{"JENKINS_URL=https://jenkins.example/", "pyx", "spiffe"},
		{"REGPASS_ID_TOKEN_FILE=x", "pyx", "file"},
	} {
		name, value, _ := strings.Cut(test.set, "=")
		env.Getenv = func(asked string) string {
			if asked == name {
				return value
			}
			return vars(asked)
		}
		if p, _ := identity.Detect(env, test.audience); p.Name != test.want {
			t.Errorf("%s, for %s: %q, want %s", test.set, test.audience, p.Name, test.want)
		}
	}
}

// Every CI system that gives its jobs tokens has a provider, in the order of the systems; no other system has one.
func TestSystemsHaveProviders(t *testing.T) {
	var want []string
	for _, s := range ci.Systems {
		if wantProvider(s) {
			want = append(want, s.Name)
		}
	}
	var got []string
	for _, p := range ofSystems() {
		got = append(got, p.Name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("providers %q, want one for each of %q", got, want)
	}
}

// Every provider between is that of a CI system, and says the same as its row.
func TestProvidersHaveSystems(t *testing.T) {
	for _, p := range ofSystems() {
		s, err := regpass.Pick("system", p.Name, ci.Systems, func(s ci.System) string { return s.Name })
		switch {
		case err != nil:
			t.Errorf("%s: %v", p.Name, err)
		case p.Title != s.Title || p.Audience != s.Audience || p.OwnAudience != s.OwnAudience ||
			p.AudienceOf != s.AudienceOf ||
			!slices.Equal(p.Claims, s.Claims):
			t.Errorf("%s says other than its system", p.Name)
		case p.Reusable == s.Tokens.New():
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

// What is said of a job without asking it is what its tokens say.
func TestShapesAreThoseOfTokens(t *testing.T) {
	claims := map[string]regpass.Claims{}
	for _, s := range services(t) {
		_, env, _ := s.job(t)
		got, err := s.get(t, env)
		if err != nil {
			t.Fatal(err)
		}
		claims[s.name] = got.Claims
	}
	for _, m := range madeTokens(t) {
		environ, err := m.environ(nil)
		if err != nil {
			t.Fatal(err)
		}
		claims[m.name] = decoded(t, variables(environ)[m.variable])
	}
	hub, vars := githubJob(t)
	hub.SetClaims(map[string]any{"environment": nil, "sub": "repo:acme/app:ref:refs/heads/main"})
	env, _ := surroundings(vars)
	got, err := get(t, "github", env)
	if err != nil {
		t.Fatal(err)
	}
	claims["github"] = got.Claims
	claims["gitlab"] = decoded(t, gitlabJob(t, map[string]any{"PYX_ID_TOKEN": "pyx"})["PYX_ID_TOKEN"])
	for _, c := range programs(t) {
		env, _ := c.job(t)
		got, err := get(t, c.name, env)
		if err != nil {
			t.Fatal(err)
		}
		claims[c.name] = got.Claims
	}
	for _, s := range ci.Systems {
		repository := "acme/app"
		if strings.Count(s.Repository, "/") == 2 {
			repository += "/build"
		}
		for _, shape := range s.Shape {
			c, ok := claims[s.Name]
			want := shape.Claim + "=" + regpass.Quote(shape.Value(ci.Source{Repository: repository, Ref: "main"}))
			if got := c.Show([]string{shape.Claim}); !ok || got != want {
				t.Errorf("%s: a token has %s, want %s", s.Name, got, want)
			}
		}
	}
}

// decoded are the claims of a token.
func decoded(t *testing.T, token string) regpass.Claims {
	t.Helper()
	claims, err := regpass.DecodeJWT(regpass.NewSecret(token))
	if err != nil {
		t.Fatal(err)
	}
	return claims
}
