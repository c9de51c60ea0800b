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
		{"https://gitlab.com", "https://gitlab.com/api/v4/projects/1/packages/npm/", "gitlab", true},
		{"https://gitlab.com", "https://gitlab.com/api/v4/projects/1/packages/npm/@acme%2fapp", "gitlab", true},
		{"https://gitlab.com", "https://gitlab.com/api/v4/packages/npm/", "gitlab", true},
		{"https://gitlab.com", "https://gitlab.com/api/v4/projects/1/packages/nuget/index.json", "gitlab", true},
		{"https://gitlab.com", "https://gitlab.com/api/v4/projects/1/packages/generic/app/1.0+b/app_1.tgz", "gitlab", true},
		{"https://gitlab.com", "https://gitlab.com/api/v4/groups/acme%2Fteam/-/packages/maven", "gitlab", true},
		{"https://gitlab.com", "https://gitlab.com/api/v4/projects/1/packages/secrets/x", "static", false},
		{"https://gitlab.com", "https://gitlab.com/api/v4/packages", "static", false},
		{"https://gitlab.com", "https://gitlab.com/api/v4/projects/1/variables/pypi", "static", false},
		{"https://gitlab.com", "https://gitlab.com/api/v4/projects/1", "static", false},
		{"https://gitlab.com", "https://registry.gitlab.com/acme/app", "gitlab", false}, // CI_REGISTRY does not name it
		{"https://gitlab.com", "https://registry.gitlab.com.evil.example/acme", "static", false},
		{"https://gitlab.com", "https://registry.gitlab.com:5050/acme", "static", false},
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

func TestGitLabImages(t *testing.T) {
	const user, password = "gitlab-ci-token", "glcbt-64_registry"
	for _, test := range []struct {
		registry, ref, row string
		from               string // empty: nothing goes there
	}{
		{"registry.gitlab.com", "https://registry.gitlab.com/acme/app", "gitlab", "CI_REGISTRY_PASSWORD"},
		{"registry.gitlab.com", "registry.gitlab.com", "gitlab", "CI_REGISTRY_PASSWORD"},
		{"git.corp.example:5050", "https://git.corp.example:5050/acme/app", "gitlab", "CI_REGISTRY_PASSWORD"},
		{"git.corp.example:5050", "https://git.corp.example:5051/acme/app", "static", ""},
		{"git.corp.example:5050", "https://registry.gitlab.com/acme/app", "gitlab", ""},
		{"127.0.0.1:5000", "http://127.0.0.1:5000/acme", "gitlab", "CI_REGISTRY_PASSWORD"},
		{"127.0.0.1:5000", "https://127.0.0.1:5000/acme", "static", ""},
		{"", "https://git.corp.example:5050/acme/app", "static", ""},
		{"not a host/", "https://registry.gitlab.com/acme", "gitlab", ""},
	} {
		w := onGitLab("https://git.corp.example")
		w.vars["CI_REGISTRY"], w.vars["CI_REGISTRY_USER"], w.vars["CI_REGISTRY_PASSWORD"] = test.registry, user, password
		target, err := registry.Open(w.Env, ref(t, test.ref))
		if err != nil || target.Row.Name != test.row || target.Row.Images != (test.row == "gitlab") {
			t.Errorf("%s: %s, %v; want %s", test.ref, target.Row.Name, err, test.row)
			continue
		}
		p, ok, err := found(w, target)
		if err != nil || p.From != test.from || ok != (test.from != "") {
			t.Errorf("%s with CI_REGISTRY=%s: %q, %v", test.ref, test.registry, p.From, err)
			continue
		}
		if !ok {
			continue
		}
		cred, err := target.Exchange(t.Context(), w.Env, p)
		if err != nil || cred.Kind != regpass.Basic || cred.Username != user || cred.Secret.Reveal() != password {
			t.Errorf("%s: %+v, %v", test.ref, cred, err)
		}
		delete(w.vars, "CI_REGISTRY_PASSWORD") // the job's token is good for it too
		if p, _, err = found(w, target); err != nil || p.From != "CI_JOB_TOKEN" || p.Username != user {
			t.Errorf("%s: %q, %v", test.ref, p.From, err)
		}
	}
}

func TestGitLabTrust(t *testing.T) {
	w := onGitLab("https://corp.example/gitlab")
	const index = "https://corp.example/gitlab/api/v4/projects/acme%2Flib/packages/pypi/simple"
	target, err := registry.Open(w.Env, ref(t, index))
	if err != nil {
		t.Fatal(err)
	}
	trust, err := target.Row.Trust(w.Env, target, registry.Job{Claims: []registry.Claim{{Name: "sub", Value: "x"},
		{Name: "project_id", Value: "20"}, {Name: "project_path", Value: "acme/app"}}})
	const want = "glab api --method POST 'projects/acme%2Flib/job_token_scope/allowlist' -F 'target_project_id=20'\n"
	if err != nil || trust.Shell != want || trust.Fields[0].Value != "acme/app" {
		t.Errorf("%+v, %v", trust, err)
	}
}
