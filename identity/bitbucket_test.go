package identity_test

import (
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/internal/fake"
)

func TestBitbucket(t *testing.T) {
	vars := bitbucketStep(t, "pypi", "pyx")
	env, masked := surroundings(vars)
	p, ok := identity.Detect(env, "pyx")
	if !ok || p.Name != "bitbucket" || !p.Reusable {
		t.Fatalf("detected %q, %v", p.Name, p.Reusable)
	}
	got, err := p.Get(t.Context(), env, "pyx")
	if err != nil || got.Token.Reveal() != vars["BITBUCKET_STEP_OIDC_TOKEN"] || len(*masked) != 1 {
		t.Fatalf("%v, %d masked", err, len(*masked))
	}
	const shown = `workspaceUuid="{d4a61c6e-64f1-4e1c-9c8f-21d8c9e7c0b3}" ` +
		`repositoryUuid="{fe99db34-e979-40be-b383-c1a7738b52f7}" branchName="main"`
	if s := got.Claims.Show(got.PolicyClaims[1:]); s != shown {
		t.Errorf("claims %s, want %s", s, shown)
	}
}

func TestBitbucketBroken(t *testing.T) {
	const setup = "oidc:\n  audiences:\n    - \"pyx\""
	env, _ := surroundings(bitbucketStep(t))
	_, err := get(t, "bitbucket", env)
	wants(t, err, regpass.ErrNoIdentity, "the step has no ID token: BITBUCKET_STEP_OIDC_TOKEN is not set", setup)

	vars := bitbucketStep(t, "ari:cloud:bitbucket::workspace/d4a61c6e")
	env, _ = surroundings(vars)
	_, err = get(t, "bitbucket", env)
	wants(t, err, regpass.ErrNoIdentity, `for the audience "ari:cloud:bitbucket::workspace/d4a61c6e", not for "pyx"`,
		setup)
	if err != nil {
		holdsNone(t, err, vars["BITBUCKET_STEP_OIDC_TOKEN"])
	}
}

func bitbucketStep(t *testing.T, audiences ...string) map[string]string {
	t.Helper()
	step := fake.Bitbucket{Issuer: issuer(t), Audiences: audiences}
	environ, err := step.Environ()
	if err != nil {
		t.Fatal(err)
	}
	return variables(environ)
}
