package fake_test

import (
	"reflect"
	"testing"

	"github.com/regpass/regpass/internal/fake"
)

func TestGitLab(t *testing.T) {
	issuer := listen(t, "RS256")
	lab := fake.GitLab{
		Issuer:   issuer,
		IDTokens: map[string]any{"PYX_ID_TOKEN": "pyx", "BOTH_ID_TOKEN": []string{"pyx", "pypi"}},
		Claims:   map[string]any{"environment": nil},
	}
	environ, err := lab.Environ()
	if err != nil {
		t.Fatal(err)
	}
	vars := variables(environ)
	if vars["GITLAB_CI"] != "true" {
		t.Errorf("variables = %v", vars)
	}
	one, both := verify(t, issuer.URL, vars["PYX_ID_TOKEN"]), verify(t, issuer.URL, vars["BOTH_ID_TOKEN"])
	if one["aud"] != "pyx" || !reflect.DeepEqual(both["aud"], []any{"pyx", "pypi"}) {
		t.Errorf("aud = %v and %v", one["aud"], both["aud"])
	}
	if one["jti"] == both["jti"] {
		t.Error("two tokens have one jti")
	}
	if one["project_path"] != vars["CI_PROJECT_PATH"] || one["iss"] != vars["CI_SERVER_URL"] {
		t.Errorf("claims %v do not fit the variables %v", one, vars)
	}
	if _, ok := one["environment"]; ok {
		t.Error("the token has the claim that was taken away")
	}
}

func TestGitLabCannotSign(t *testing.T) {
	lab := fake.GitLab{Issuer: listen(t, "ES256"), IDTokens: map[string]any{"PYX_ID_TOKEN": func() {}}}
	if _, err := lab.Environ(); err == nil {
		t.Error("a func became an audience")
	}
}
