package e2e

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jdx/go-netrc"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/internal/recipe"
)

// pages is where the recipes are shown.
const pages = checkout + "/docs/ci"

// blocks lists the fenced blocks of a page of docs/ci that say what they are: ```yaml.
func blocks(page string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(pages, page+".md"))
	if err != nil {
		return nil, err
	}
	var all []string
	for _, m := range regexp.MustCompile("(?ms)^```[a-z]+\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		all = append(all, m[1])
	}
	return all, nil
}

// TestRecipePages holds that every CI system has a page, and nothing else has one, which begins with the parts that
// were run and those that were not.
func TestRecipePages(t *testing.T) {
	found, err := filepath.Glob(pages + "/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, s := range recipe.Systems() {
		page := filepath.Join(pages, s.Name+".md")
		want = append(want, page)
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "# "+s.Title+"\n\nRun by a test ") ||
			!strings.Contains(string(text), "not on "+s.Title+" itself") {
			t.Errorf("%s does not begin with what was run", page)
		}
	}
	slices.Sort(want)
	if !slices.Equal(found, want) {
		t.Errorf("pages %q, want %q", found, want)
	}
}

// TestRecipesAreRun holds that every recipe of a page is run by the page's script; the one of GitHub Actions by the
// script github-init, under act.
func TestRecipesAreRun(t *testing.T) {
	for _, s := range recipe.Systems() {
		shown, err := blocks(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		compared, err := os.ReadFile(testdata("script/init.txtar"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(compared), "\nexec regpass init "+s.Name+"\n") ||
			!strings.Contains(string(compared), "\nshown "+s.Name+" ") {
			t.Errorf("testdata/script/init.txtar does not compare `regpass init %s` with docs/ci/%s.md", s.Name, s.Name)
		}
		if s.Name == "github" {
			if len(shown) != 1 {
				t.Errorf("docs/ci/github.md shows %d recipes; the script github-init runs one", len(shown))
			}
			continue
		}
		script, err := os.ReadFile(testdata("script/recipes-" + s.Name + ".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		for n := range shown {
			line := "\njob " + s.Name + "\n"
			if n > 0 {
				line = fmt.Sprintf("\njob %s %d\n", s.Name, n+1)
			}
			if !strings.Contains(string(script), line) {
				t.Errorf("recipe %d of docs/ci/%s.md is not run", n+1, s.Name)
			}
		}
	}
}

// TestREADMEWorkflow holds that the README's workflow is that of the page, which a script runs.
func TestREADMEWorkflow(t *testing.T) {
	page, err := blocks("github")
	if err != nil || len(page) == 0 {
		t.Fatal(page, err)
	}
	readme, err := fenced("yaml")
	if err != nil || len(readme) == 0 {
		t.Fatal(readme, err)
	}
	if readme[0] != page[0] {
		t.Errorf("the README shows\n%s\nand docs/ci/github.md\n%s", readme[0], page[0])
	}
}

// showsRecipe compares the first block of a page with what init printed, or puts it there.
func showsRecipe(page, printed string) error {
	all, err := blocks(page)
	if err != nil || len(all) == 0 {
		return fmt.Errorf("docs/ci/%s.md shows no recipe: %w", page, err)
	}
	if all[0] == printed {
		return nil
	}
	if !*update {
		return fmt.Errorf("docs/ci/%s.md shows\n%s\nbut `regpass init %s` prints\n%s\nwith -update the page is written anew",
			page, all[0], page, printed)
	}
	path := filepath.Join(pages, page+".md")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(strings.Replace(string(text), all[0], printed, 1)), 0o644)
}

// shell is a script that a job runs in a shell of its own.
type shell struct {
	with   string            // the shell and its flags, as words of a shell
	script string            // what it runs
	env    map[string]string // variables for it alone: expressions of a shell
	always bool              // runs after a failure too
}

// ciJobs read a recipe as their CI does: they put the variables of a job into the script's surroundings and list the
// shells that the job runs.
var ciJobs = map[string]func(ts *testscript.TestScript, text string) ([]shell, error){
	"gitlab": gitlabJob, "jenkins": jenkinsJob, "buildkite": buildkiteJob, "circleci": circleciJob, "azure": azureJob,
	"bitbucket": bitbucketJob, "forgejo": forgejoJob, "gitea": giteaJob, "codefresh": codefreshJob,
	"bitrise": bitriseJob, "semaphore": semaphoreJob, "hcp": hcpJob, "spacelift": spaceliftJob,
}

// cmdJob is `job CI [N]`: it runs the Nth recipe, or the first, of that CI's page as the CI would, each
// shell as a process of its own and the job's last ones also after a failure.
func cmdJob(ts *testscript.TestScript, neg bool, args []string) {
	all, err := blocks(args[0])
	ts.Check(err)
	n := 1
	if len(args) > 1 {
		_, err := fmt.Sscan(args[1], &n)
		ts.Check(err)
	}
	if n > len(all) {
		ts.Fatalf("the page has %d recipes", len(all))
	}
	shells, err := ciJobs[args[0]](ts, all[n-1])
	ts.Check(err)
	traps := len(shells) == 1 && strings.Contains(shells[0].script, "regpass logout") &&
		strings.Contains(shells[0].script, "trap ")
	if !traps && (len(shells) < 2 || !shells[len(shells)-1].always) {
		ts.Fatalf("a job that does not both run and log out: %+v", shells)
	}
	dir, err := os.MkdirTemp(ts.Getenv("WORK"), "job")
	ts.Check(err)
	driver := "status=0\n"
	for i, s := range shells {
		path := filepath.Join(dir, fmt.Sprint(i))
		ts.Check(os.WriteFile(path, []byte(s.script), 0o600))
		line := "(" + envOf(s.env) + s.with + " " + path + ") || status=$?\n"
		if !s.always {
			line = "test $status != 0 || " + line
		}
		driver += line
	}
	ts.Check(os.WriteFile(filepath.Join(dir, "driver"), []byte(driver+"exit $status\n"), 0o600))
	failed := ts.Exec("sh", filepath.Join(dir, "driver"))
	if (failed != nil) != neg {
		ts.Fatalf("the job ended with %v", failed)
	}
}

func envOf(vars map[string]string) string {
	text := ""
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		text += "export " + name + "=" + vars[name] + "; "
	}
	return text
}

// cmdShown is `shown CI FILE`: FILE holds the recipe that the CI's page shows first.
func cmdShown(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(showsRecipe(args[0], ts.ReadFile(args[1])))
}

// ciMain is the whole of a program.
type ciMain func(ctx context.Context, getenv func(string) string, args []string, stdout io.Writer) error

// ciPrograms stand on the PATH of a job: the CI's own programs, and a package client.
var ciPrograms = map[string]ciMain{
	"buildkite-agent": fake.BuildkiteAgent, "circleci": fake.CircleCIProgram, "netrc-client": netrcClient,
}

// ciProgram is a program's main.
func ciProgram(name string) func() {
	return func() {
		if err := ciPrograms[name](context.Background(), os.Getenv, os.Args[1:], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, name+":", err)
			os.Exit(1)
		}
	}
}

// netrcClient reads the private package's page with the credential that the file of NETRC has for the index's host.
func netrcClient(ctx context.Context, getenv func(string) string, _ []string, stdout io.Writer) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, getenv("INDEX")+"/acme-private/", nil)
	if err != nil {
		return err
	}
	file, err := netrc.Parse(getenv("NETRC"))
	if err != nil {
		return fmt.Errorf("NETRC: %w", err)
	}
	m := file.Machine(r.URL.Hostname())
	if m == nil {
		return fmt.Errorf("NETRC has nothing for %s", r.URL.Hostname())
	}
	r.SetBasicAuth(m.Get("login"), m.Get("password"))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s", res.Status)
	}
	_, err = fmt.Fprintln(stdout, "acme-private was served")
	return err
}
