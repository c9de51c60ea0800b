package registry_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/registry"
)

// onGitLab is a job of a GitLab server.
func onGitLab(server string) *fixture {
	w := newFixture(http.NotFoundHandler())
	w.vars = map[string]string{"GITLAB_CI": "true", "CI_SERVER_URL": server, "CI_JOB_TOKEN": "glcbt-64_job"}
	return w
}

// found is what the first source of the row that has a proof finds.
func found(w *fixture, target registry.Target) (registry.Proof, bool, error) {
	for _, source := range target.Row.Proofs {
		if p, ok, err := source.Find(w.Env, target); ok || err != nil {
			return p, ok, err
		}
	}
	return registry.Proof{}, false, nil
}

func TestGitLabMatches(t *testing.T) {
	const index = "/api/v4/projects/1/packages/pypi/simple"
	for _, test := range []struct {
		server, ref string
		row         string
		token       bool // the job's token goes there
	}{
		{"https://gitlab.com", "https://gitlab.com" + index, "gitlab", true},
		{"https://gitlab.com", "https://gitlab.com/api/v4/projects/acme%2Fapp/packages/pypi", "gitlab", true},
		{"https://gitlab.com", "https://gitlab.com/api/v4/groups/9/-/packages/pypi/simple", "gitlab", true},
		{"https://gitlab.com", "https://gitlab.com/acme/app", "static", false},
		{"https://gitlab.com", "https://gitlab.com/api/v4/projects/1/packages/npm/", "static", false},
		{"https://gitlab.com", "https://gitlab.com/api/v4/projects/1/packages", "static", false},
		{"https://gitlab.com", "https://gitlab.com.evil.example" + index, "static", false},
		{"https://git.corp.example", "https://git.corp.example" + index, "gitlab", true},
		{"https://git.corp.example", "https://gitlab.com" + index, "gitlab", false},
		{"https://git.corp.example:8443", "https://git.corp.example:8443" + index, "gitlab", true},
		{"https://git.corp.example:8443", "https://git.corp.example" + index, "static", false},
		{"https://corp.example/gitlab", "https://corp.example/gitlab" + index, "gitlab", true},
		{"https://corp.example/gitlab", "https://corp.example/other" + index, "static", false},
		{"https://corp.example/gitlab/", "https://corp.example/gitlab" + index, "gitlab", true},
		{"https://corp.example/gitlab", "https://corp.example/gitlabx" + index, "static", false},
		{"https://corp.example/gitlab", "https://corp.example/gitlab/evil" + index, "static", false},
		{"https://corp.example/gitlab", "https://corp.example/gitlab%2Fevil" + index, "static", false},
		{"https://corp.example/gitlab", "https://corp.example/gitlab/api/v4/projects//packages/pypi", "static", false},
		{"https://gitlab.com", "https://gitlab.com/evil" + index, "static", false},
		{"https://gitlab.com", "https://gitlab.com" + index + "//x", "static", false},
		{"https://gitlab.com", "https://gitlab.com" + index + "/acme-private/", "gitlab", true},
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080" + index, "gitlab", true},
		{"", "https://git.corp.example" + index, "static", false},
		{"not a URL", "https://gitlab.com" + index, "gitlab", false},
	} {
		w := onGitLab(test.server)
		target, err := registry.Open(w.Env, ref(t, test.ref))
		if err != nil || target.Row.Name != test.row {
			t.Errorf("%s on %s: %s, %v; want %s", test.ref, test.server, target.Row.Name, err, test.row)
			continue
		}
		if _, ok, err := found(w, target); ok != test.token || err != nil {
			t.Errorf("%s on %s: the job's token goes there: %v, %v; want %v", test.ref, test.server, ok, err, test.token)
		}
	}
}

func TestGitLabCredentials(t *testing.T) {
	const index = "https://gitlab.com/api/v4/projects/1/packages/pypi/simple"
	w := onGitLab("https://gitlab.com")
	w.vars["CI_DEPLOY_USER"], w.vars["CI_DEPLOY_PASSWORD"] = "gitlab+deploy-token-7", "gldt-deploy"
	for text, want := range map[string][2]string{
		index:                   {"gitlab-ci-token", "glcbt-64_job"},
		index + " token=job":    {"gitlab-ci-token", "glcbt-64_job"},
		index + " token=deploy": {"gitlab+deploy-token-7", "gldt-deploy"},
	} {
		target, err := registry.Open(w.Env, ref(t, text))
		if err != nil {
			t.Fatal(err)
		}
		p, ok, err := found(w, target)
		if err != nil || !ok {
			t.Fatalf("%s: %v, %v", text, ok, err)
		}
		cred, err := target.Exchange(t.Context(), w.Env, p)
		if err != nil || cred.Kind != regpass.Basic || cred.Username != want[0] || cred.Secret.Reveal() != want[1] ||
			cred.Host != "gitlab.com" || cred.Registry != "gitlab" || !cred.Expires.IsZero() {
			t.Errorf("%s: %+v, %v", text, cred, err)
		}
	}
	if len(w.asked) > 0 {
		t.Errorf("asked %v", w.asked)
	}

	// A personal access token is a password with any user name.
	target, err := registry.Open(w.Env, ref(t, index))
	if err != nil {
		t.Fatal(err)
	}
	cred, err := target.Exchange(t.Context(), w.Env, key(regpass.APIKey, "--token-stdin", "glpat-x"))
	if err != nil || cred.Kind != regpass.Basic || cred.Username != "__token__" {
		t.Errorf("%+v, %v", cred, err)
	}

	delete(w.vars, "CI_DEPLOY_PASSWORD")
	target, err = registry.Open(w.Env, ref(t, index+" token=deploy"))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = found(w, target)
	mustSay(t, err, "no deploy token", "gitlab-deploy-token", "read_package_registry")
	if !errors.Is(err, regpass.ErrNoIdentity) {
		t.Errorf("%v is not ErrNoIdentity", err)
	}
	_, err = target.Exchange(t.Context(), w.Env, (&job{t: t}).proof())
	mustSay(t, err, "gitlab: ", "takes no CI identity")
}
