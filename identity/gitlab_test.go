package identity_test

import (
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/internal/fake"
)

func TestGitLab(t *testing.T) {
	for _, aud := range []any{"pyx", []string{"pyx"}, []string{"pypi", "pyx"}} {
		env, masked := surroundings(gitlabJob(t, map[string]any{"PYX_ID_TOKEN": aud}))
		p, _ := identity.Detect(env, "pyx")
		got, err := p.Get(t.Context(), env, "pyx")
		if err != nil {
			t.Fatal(err)
		}
		if got.Provider != "gitlab" || got.Token.Reveal() != env.Getenv("PYX_ID_TOKEN") || len(*masked) != 1 {
			t.Errorf("identity = %+v, %d masked", got, len(*masked))
		}
		const shown = `sub="project_path:acme/app:ref_type:branch:ref:main" project_path="acme/app" ` +
			`namespace_path="acme" ref="main" ref_type="branch" environment="release" pipeline_source="push"`
		if s := got.Claims.Show(got.PolicyClaims); s != shown {
			t.Errorf("claims %s, want %s", s, shown)
		}
	}
}

func TestGitLabMissing(t *testing.T) {
	env, _ := surroundings(gitlabJob(t, map[string]any{"PYPI_ID_TOKEN": "pypi"}))
	for _, test := range []struct{ audience, text, hint string }{
		{"prefix.dev", `identity: gitlab: the job has no ID token for "prefix.dev": PREFIX_DEV_ID_TOKEN is not set`,
			"add to the job in .gitlab-ci.yml:\nid_tokens:\n  PREFIX_DEV_ID_TOKEN:\n    aud: \"prefix.dev\""},
		// GitLab accepts no variable that begins with a digit.
		{"1password", `_PASSWORD_ID_TOKEN is not set`, "id_tokens:\n  _PASSWORD_ID_TOKEN:\n    aud: \"1password\""},
	} {
		p, _ := identity.Detect(env, test.audience)
		_, err := p.Get(t.Context(), env, test.audience)
		wants(t, err, regpass.ErrNoIdentity, test.text, test.hint)
	}
}

// The entry is there, but its aud is not what the variable's name promises.
func TestGitLabOtherAudience(t *testing.T) {
	vars := gitlabJob(t, map[string]any{"PYX_ID_TOKEN": "https://gitlab.example"})
	env, _ := surroundings(vars)
	_, err := get(t, "gitlab", env)
	wants(t, err, regpass.ErrNoIdentity, `for the audience "https://gitlab.example", not for "pyx"`,
		"id_tokens:\n  PYX_ID_TOKEN:\n    aud: \"pyx\"")
	if err != nil {
		holdsNone(t, err, vars["PYX_ID_TOKEN"])
	}
}

func gitlabJob(t *testing.T, tokens map[string]any) map[string]string {
	t.Helper()
	lab := fake.GitLab{Issuer: issuer(t), IDTokens: tokens}
	environ, err := lab.Environ()
	if err != nil {
		t.Fatal(err)
	}
	return variables(environ)
}

// variables reads NAME=value lines.
func variables(environ []string) map[string]string {
	vars := map[string]string{}
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		vars[name] = value
	}
	return vars
}
