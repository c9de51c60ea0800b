package identity_test

import (
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/identity"
)

func TestVariableNames(t *testing.T) {
	for _, test := range []struct{ audience, name string }{
		{"pyx", "PYX_ID_TOKEN"},
		{"prefix.dev", "PREFIX_DEV_ID_TOKEN"},
		{"pyx:trusted-access", "PYX_TRUSTED_ACCESS_ID_TOKEN"},
		{"http://test.audience", "HTTP___TEST_AUDIENCE_ID_TOKEN"},
		{"bücher", "B_CHER_ID_TOKEN"},
		{"1password", "_PASSWORD_ID_TOKEN"},       // di/id
		{"1password", "1PASSWORD_ID_TOKEN"},       // ambient-id
		{"127.0.0.1", "_27_0_0_1_ID_TOKEN"},       // di/id
		{"127.0.0.1", "127_0_0_1_ID_TOKEN"},       // ambient-id
		{"a1", "A1_ID_TOKEN"},                     // only a leading digit is in question
		{"x-only-in-regpass", "REGPASS_ID_TOKEN"}, // any audience
	} {
		for _, provider := range []string{"variable", "gitlab"} {
			if provider == "gitlab" && test.name == "REGPASS_ID_TOKEN" {
				continue
			}
			token := sign(t, map[string]any{"aud": test.audience})
			vars := map[string]string{test.name: token}
			if provider == "gitlab" {
				vars["GITLAB_CI"] = "true"
			}
			env, _ := surroundings(vars)
			p, _ := identity.Detect(env, test.audience)
			if p.Name != provider {
				t.Errorf("%s: detected %q, want %s", test.name, p.Name, provider)
				continue
			}
			if got, err := p.Get(t.Context(), env, test.audience); err != nil || got.Token.Reveal() != token {
				t.Errorf("%s: %s: %v", provider, test.name, err)
			}
		}
	}
}

func TestVariableOfAudienceFirst(t *testing.T) {
	token := sign(t, nil)
	env, _ := surroundings(map[string]string{"PYX_ID_TOKEN": token,
		"REGPASS_ID_TOKEN": sign(t, map[string]any{"aud": "pypi"})})
	if got, err := get(t, "variable", env); err != nil || got.Token.Reveal() != token {
		t.Errorf("not the token in PYX_ID_TOKEN: %v", err)
	}
}

func TestVariableMissing(t *testing.T) {
	env, _ := surroundings(nil)
	_, err := get(t, "variable", env)
	wants(t, err, regpass.ErrNoIdentity, "identity: variable: none of PYX_ID_TOKEN, REGPASS_ID_TOKEN is set",
		"export PYX_ID_TOKEN=…")
}
