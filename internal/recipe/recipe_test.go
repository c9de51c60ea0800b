package recipe_test

import (
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
	"github.com/regpass/regpass/internal/recipe"
)

// render renders the recipe of a system, by its name, for registries that the user names.
func render(t *testing.T, system string, registries ...string) (string, []string, error) {
	t.Helper()
	ci, err := regpass.Pick("system", system, recipe.Systems(), func(s ci.System) string { return s.Name })
	if err != nil {
		t.Fatal(err)
	}
	refs, err := regpass.ParseRefs(strings.Join(registries, "\n"), "the test")
	if err != nil {
		t.Fatal(err)
	}
	env := &regpass.Env{Dir: t.TempDir(), Getenv: func(string) string { return "" }}
	return recipe.Render(env, ci, refs)
}

// Every system has a template, which takes a registry with an identity, one with a key of its own and one in S3.
func TestEverySystemHasARecipe(t *testing.T) {
	for _, s := range recipe.Systems() {
		text, _, err := render(t, s.Name, "https://api.pyx.dev/simple/acme/main", "https://conda.anaconda.org/acme",
			"s3://bucket/channel")
		if err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
		for _, part := range []string{"https://api.pyx.dev/simple/acme/main", "ANACONDA_API_KEY", "AWS_ACCESS_KEY_ID",
			"AWS_SECRET_ACCESS_KEY"} {
			if !strings.Contains(text, part) {
				t.Errorf("the recipe of %s has no %s:\n%s", s.Name, part, text)
			}
		}
	}
}

func TestNotesSayWhyThereIsAKey(t *testing.T) {
	text, notes, err := render(t, "bitbucket", "https://api.pyx.dev/simple/acme/main", "https://repo.prefix.dev/acme")
	if err != nil || len(notes) != 1 || !strings.Contains(notes[0], "Bitbucket Pipelines has no other for this one") ||
		!strings.Contains(text, "PREFIX_API_KEY") {
		t.Errorf("notes %q, error %v, recipe\n%s", notes, err, text)
	}
}

func TestRegistriesThatNoRecipeHolds(t *testing.T) {
	for want, registries := range map[string][]string{
		"both would get it":                {"https://a-b.example", "https://a.b.example"},
		`"https://a.example/$(id)" cannot`: {"https://a.example/$(id)"},
	} {
		text, _, err := render(t, "gitlab", registries...)
		if err == nil || !strings.Contains(err.Error(), want) || text != "" {
			t.Errorf("%q: error %v, recipe %q", registries, err, text)
		}
	}
}
