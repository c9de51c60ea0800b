package ci_test

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
)

// TestSystems fails for a row in which a fact is missing that others rely on to fail closed.
func TestSystems(t *testing.T) {
	names, flags := map[string]bool{}, map[string]bool{}
	for _, s := range ci.Systems {
		if s.Name == "" || s.Name != strings.ToLower(s.Name) || names[s.Name] {
			t.Errorf("%q is no name of its own", s.Name)
		}
		names[s.Name] = true
		if s.Title == "" {
			t.Errorf("%s has no title", s.Name)
		}
		if s.HasJobs() {
			if flags[s.Flag.Var] {
				t.Errorf("%s: %s is the flag of another system too", s.Name, s.Flag.Var)
			}
			flags[s.Flag.Var] = true
			checkJob(t, s)
			checkFiles(t, s)
		}
		checkIssuer(t, s)
		checkTokens(t, s)
		checkShape(t, s)
	}
}

// checkTokens wants the only audience where there is one, and nowhere else.
func checkTokens(t *testing.T, s ci.System) {
	t.Helper()
	only := s.Audience != "" || s.AudienceOf != ""
	switch {
	case s.Audience != "" && s.AudienceOf != "", s.AudienceOf != "" && s.Tokens != ci.OneToken,
		only && (s.Tokens == ci.NoTokens || s.Tokens == ci.DeclaredAudiences || s.Tokens == ci.AnyAudience),
		!only && s.Tokens == ci.AnyTime:
		t.Errorf("%s: tokens %v, audience %q, of %q", s.Name, s.Tokens, s.Audience, s.AudienceOf)
	}
}

// checkShape wants claims that a policy may match, among them, if the issuer serves everyone, one that names an owner.
func checkShape(t *testing.T, s ci.System) {
	t.Helper()
	if (s.Repository == "") != (len(s.Shape) == 0) {
		t.Errorf("%s: repository %q, shape %v", s.Name, s.Repository, s.Shape)
	}
	pinned := s.Issuer == "" || len(s.Shape) == 0
	for i, c := range s.Shape {
		value := c.Value(ci.Source{Repository: "acme/app", Ref: "main"})
		if value == "" || strings.ContainsAny(value, "$*") || c.Claim == "sub" && i > 0 {
			t.Errorf("%s: claim %d is %s = %q", s.Name, i, c.Claim, value)
		}
		for _, o := range s.Owners {
			pinned = pinned || o.Claim == c.Claim && regexp.MustCompile(o.Pin).MatchString(value)
		}
	}
	if !pinned {
		t.Errorf("%s: the shape names no owner, and %s serves everyone", s.Name, s.Issuer)
	}
}

func TestShapeValue(t *testing.T) {
	for _, test := range []struct{ text, repository, ref, want string }{
		{"repo:$repository:ref:refs/heads/$ref", "acme/app", "main", "repo:acme/app:ref:refs/heads/main"},
		{"$owner", "acme/group/app", "main", "acme/group"},
		{"$name", "acme/group/app", "main", "app"},
		{"$owner", "app", "main", ""},
		{"$name", "app", "main", "app"},
		{"$ref", "acme/app", "$repository/${ref}", "$repository/${ref}"}, // a branch is only text
	} {
		of := ci.Source{Repository: test.repository, Ref: test.ref}
		if got := (ci.Shape{Claim: "x", Text: test.text}).Value(of); got != test.want {
			t.Errorf("%s of %s at %s: %q, want %q", test.text, test.repository, test.ref, got, test.want)
		}
	}
}

// checkJob wants what tells one job from another.
func checkJob(t *testing.T, s ci.System) {
	t.Helper()
	if len(s.Job.IDs) == 0 {
		t.Errorf("%s: nothing tells one job from another, so they would share a session", s.Name)
	}
	if slices.Contains(s.Job.IDs, "") || s.Job.Suffix != "" && s.Job.Temp == "" {
		t.Errorf("%s: job %+v", s.Name, s.Job)
	}
}

// checkFiles wants a recipe, its page, and a fake to test both.
func checkFiles(t *testing.T, s ci.System) {
	t.Helper()
	for _, pattern := range []string{
		"../docs/ci/" + s.Name + ".md",
		"../internal/fake/" + s.Name + ".go",
		"../internal/*/recipes/" + s.Name + ".tmpl",
	} {
		if found, err := filepath.Glob(pattern); err != nil || len(found) != 1 {
			t.Errorf("%s needs one file %s; there are %q, %v", s.Name, pattern, found, err)
		}
	}
}

// checkIssuer wants to know who can have an ID token of the issuer.
func checkIssuer(t *testing.T, s ci.System) {
	t.Helper()
	switch {
	case s.Issuer != "" && s.IssuerPer != "", s.Tokens != ci.NoTokens && s.Issuer+s.IssuerPer == "":
		t.Errorf("%s: the issuer serves either everyone (Issuer) or one tenant (IssuerPer), not %q and %q",
			s.Name, s.Issuer, s.IssuerPer)
	case s.Issuer == "" && len(s.Owners) > 0:
		t.Errorf("%s: owners, but no issuer that serves everyone", s.Name)
	case s.Issuer != "" && len(s.Owners) == 0:
		t.Errorf("%s: no claim tells the tenants of %s apart", s.Name, s.Issuer)
	}
	if u, err := url.Parse(s.Issuer); s.Issuer != "" && (err != nil || s.Issuer != "https://"+u.Host) {
		t.Errorf("%s: the issuer %q is no https host alone, so no trust policy would be compared with it", s.Name, s.Issuer)
	}
	for _, o := range s.Owners {
		pin, err := regexp.Compile(o.Pin)
		if err != nil || o.Claim == "" {
			t.Errorf("%s: owner %+v: %v", s.Name, o, err)
			continue
		}
		kind, _, _ := strings.Cut(strings.TrimPrefix(o.Pin, "^"), "[") // "repo:"
		for _, stranger := range []string{"", "*", "*/", "*:", "a*", "a*/b", "a*:b", "*a"} {
			if pin.MatchString(stranger) || pin.MatchString(kind+stranger) {
				t.Errorf("%s: %s = %q would trust strangers", s.Name, o.Claim, stranger)
			}
		}
	}
}

// TestFilesHaveRows fails for a fact file that Systems leaves out: its system would be unknown everywhere.
func TestFilesHaveRows(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(file, ".go")
		if name == "ci" || strings.HasSuffix(name, "_test") {
			continue
		}
		if !slices.ContainsFunc(ci.Systems, func(s ci.System) bool { return s.Name == name }) {
			t.Errorf("%s has no row in Systems", file)
		}
	}
	for _, s := range ci.Systems {
		if _, err := os.Stat(s.Name + ".go"); err != nil {
			t.Error(err)
		}
	}
}

func TestDetect(t *testing.T) {
	for _, test := range []struct {
		system    ci.System
		name, val string
		want      bool
	}{
		{ci.GitHub, "GITHUB_ACTIONS", "true", true},
		{ci.GitHub, "GITHUB_ACTIONS", "True", false},
		{ci.GitHub, "GITHUB_ACTIONS", "", false},
		{ci.GitHub, "GITLAB_CI", "true", false},
		{ci.Forgejo, "FORGEJO_ACTIONS", "true", true},
		{ci.Forgejo, "GITHUB_ACTIONS", "true", false},
		{ci.Gitea, "GITEA_ACTIONS", "true", true},
		{ci.HCP, "TFC_RUN_ID", "run-1", true},
		{ci.Azure, "TF_BUILD", "True", true},
		{ci.Bitbucket, "BITBUCKET_BUILD_NUMBER", "7", true},
		{ci.Bitbucket, "BITBUCKET_BUILD_NUMBER", "", false},
		{ci.Google, "", "true", false},
	} {
		env := &regpass.Env{Getenv: func(name string) string { return map[string]string{test.name: test.val}[name] }}
		if got := test.system.Detect(env); got != test.want {
			t.Errorf("%s with %s=%s: %v", test.system.Name, test.name, test.val, got)
		}
	}
}
