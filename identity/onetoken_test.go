package identity_test

import (
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/internal/fake"
)

// made is a CI system that makes its jobs' tokens before they begin.
type made struct {
	name, title, variable, audience string
	environ                         func(claims map[string]any) ([]string, error)
	shown, once                     string
}

func madeTokens(t *testing.T) []made {
	i := issuer(t)
	return []made{
		{"semaphore", "Semaphore", "SEMAPHORE_OIDC_TOKEN", fake.SemaphoreAudience,
			func(c map[string]any) ([]string, error) { return (&fake.Semaphore{Issuer: i, Claims: c}).Environ() },
			`prj_id="936a5312-a3b8-4921-8b3f-2cec8baac574" repo_slug="acme/app" ref_type="branch" ref="refs/heads/main" ` +
				`job_type="pipeline_job"`, "a job has one token, for one registry"},
		{"hcp", "HCP Terraform", "TFC_WORKLOAD_IDENTITY_TOKEN_PYX", "pyx",
			func(c map[string]any) ([]string, error) {
				return (&fake.HCP{Issuer: i, Claims: c, Variables: []string{"TFC_WORKLOAD_IDENTITY_AUDIENCE_PYX=pyx"}}).Environ()
			},
			`sub="organization:acme:project:Default Project:workspace:app:run_phase:plan" ` +
				`terraform_organization_id="org-dp9fBBwp5Ljh4rmA"`, "TFC_WORKLOAD_IDENTITY_AUDIENCE_PYX=\"pyx\""},
		{"spacelift", "Spacelift", "SPACELIFT_OIDC_TOKEN", fake.SpaceliftAudience,
			func(c map[string]any) ([]string, error) { return (&fake.Spacelift{Issuer: i, Claims: c}).Environ() },
			`sub="space:root:stack:app:run_type:TRACKED:scope:write" spaceId="root" callerType="stack" callerId="app"`,
			"a run has one token, for one registry"},
	}
}

func TestMadeTokens(t *testing.T) {
	for _, m := range madeTokens(t) {
		t.Run(m.name, func(t *testing.T) {
			environ, err := m.environ(nil)
			if err != nil {
				t.Fatal(err)
			}
			vars := variables(environ)
			token := vars[m.variable]
			env, masked := surroundings(vars)
			p, ok := identity.Detect(env, m.audience)
			if !ok || p.Name != m.name || !p.Reusable {
				t.Fatalf("detected %q, %v", p.Name, p.Reusable)
			}
			got, err := p.Get(t.Context(), env, m.audience)
			if err != nil || got.Token.Reveal() != token || len(*masked) != 1 {
				t.Fatalf("%v, %d masked", err, len(*masked))
			}
			if shown := got.Claims.Show(got.PolicyClaims); !strings.Contains(shown, m.shown) {
				t.Errorf("claims %s, want %s", shown, m.shown)
			}

			vars[m.variable] = ""
			_, err = p.Get(t.Context(), env, m.audience)
			wants(t, err, regpass.ErrNoIdentity, m.variable, m.once)

			for bad, text := range map[string]string{
				token + "\x00": "0x00", token + "\n" + token: "0x0a", "none": "not a JSON Web Token",
				token[:len(token)/2]: "not a JSON Web Token",
			} {
				vars[m.variable] = bad
				_, err = p.Get(t.Context(), env, m.audience)
				wants(t, err, regpass.ErrNoIdentity, text, m.once)
				if err != nil {
					holdsNone(t, err, token)
				}
			}

			none, _ := surroundings(nil)
			_, err = p.Get(t.Context(), none, m.audience)
			wants(t, err, regpass.ErrNoIdentity, "", "")
		})
	}
}

// A token for another audience is shown to nobody, and whether it is named by the system or by the token alone.
func TestMadeTokensForAnother(t *testing.T) {
	for _, m := range madeTokens(t) {
		environ, err := m.environ(map[string]any{"aud": "https://a.example"})
		if err != nil {
			t.Fatal(err)
		}
		vars := variables(environ)
		env, _ := surroundings(vars)
		p, _ := identity.Detect(env, m.audience)
		_, err = p.Get(t.Context(), env, m.audience)
		wants(t, err, regpass.ErrNoIdentity, `"https://a.example", not for "`+m.audience+`"`, "")
		if err != nil {
			holdsNone(t, err, vars[m.variable])
		}
	}
}

// The only audience of Semaphore is in a variable, that of Spacelift in the token.
func TestMadeTokensOnlyAudience(t *testing.T) {
	for _, m := range madeTokens(t) {
		environ, err := m.environ(nil)
		if err != nil {
			t.Fatal(err)
		}
		vars := variables(environ)
		env, _ := surroundings(vars)
		p, _ := identity.Detect(env, m.audience)
		want := m.audience
		if m.name == "hcp" { // the workspace chooses
			want = ""
		}
		if got := p.OnlyAudience(env); got != want {
			t.Errorf("%s: all for %q, want %q", m.name, got, want)
		}
		if m.name == "spacelift" {
			for _, bad := range []string{"", "x", vars[m.variable] + "\x00", sign(t, map[string]any{"aud": nil}),
				sign(t, map[string]any{"aud": []string{"a", "b"}})} {
				vars[m.variable] = bad
				if got := p.OnlyAudience(env); got != "" {
					t.Errorf("a token that names no audience alone: %q", got)
				}
			}
		}
	}
}

// The tag says for which registry a token of HCP Terraform is; one without a tag is for the only one.
func TestHCPTags(t *testing.T) {
	h := fake.HCP{Issuer: issuer(t), Variables: []string{"TFC_WORKLOAD_IDENTITY_AUDIENCE=pyx",
		"TFC_WORKLOAD_IDENTITY_AUDIENCE_PREFIX_DEV=prefix.dev"}}
	environ, err := h.Environ()
	if err != nil {
		t.Fatal(err)
	}
	vars := variables(environ)
	env, _ := surroundings(vars)
	for audience, variable := range map[string]string{
		"pyx": "TFC_WORKLOAD_IDENTITY_TOKEN", "prefix.dev": "TFC_WORKLOAD_IDENTITY_TOKEN_PREFIX_DEV",
	} {
		p, _ := identity.Detect(env, audience)
		if got, err := p.Get(t.Context(), env, audience); err != nil || got.Token.Reveal() != vars[variable] {
			t.Errorf("%s: not that of %s, %v", audience, variable, err)
		}
	}
	p, _ := identity.Detect(env, "pypi")
	_, err = p.Get(t.Context(), env, "pypi")
	wants(t, err, regpass.ErrNoIdentity, `for the audience "pyx", not for "pypi"`,
		`TFC_WORKLOAD_IDENTITY_AUDIENCE_PYPI="pypi"`)
}
