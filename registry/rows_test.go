package registry_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/regpass/regpass/internal/testenv"
	"github.com/regpass/regpass/registry"
)

// TestRowsAreWhole fails for a row without what help, docs and tests need, and where two rows claim one host.
func TestRowsAreWhole(t *testing.T) {
	env := testenv.New(t, nil)
	for _, row := range registry.All {
		if row.Title == "" || row.Doc == "" || len(row.Hosts) == 0 {
			t.Errorf("%s: no title, page or hosts", row.Name)
		}
		r := ref(t, row.Example)
		found, err := registry.Find(env, r)
		if err != nil || found.Name != row.Name {
			t.Errorf("%s: its example is of the row %s, %v", row.Name, found.Name, err)
		}
		if _, err := registry.Open(env, r); err != nil {
			t.Errorf("%s: %s", row.Name, said(err))
		}
		if r.Options["type"] != "" {
			continue
		}
		for _, other := range registry.All {
			if other.Name != row.Name && other.Name != registry.Static && other.Match(env, r) {
				t.Errorf("%s: its example is claimed by %s too", row.Name, other.Name)
			}
		}
	}
}

// TestTypes holds what the error for a wrong type= says to write.
func TestTypes(t *testing.T) {
	env := testenv.New(t, nil)
	for word, want := range map[string]string{"gitlb": "did you mean gitlab?", "Forgejo": "type=gitea is the one for it",
		"artifactory": "type=jfrog is the one for it", "aws": "type=codeartifact or type=ecr is the one for it"} {
		_, err := registry.Find(env, ref(t, "https://pkgs.example type="+word))
		testenv.WantError(t, err, "", "unknown type", "(known: pyx, ", want)
	}
	for _, row := range registry.All {
		for _, word := range row.Also {
			if _, err := registry.Find(env, ref(t, "https://pkgs.example type="+word)); err == nil {
				t.Errorf("%s: type=%s is a row of its own", row.Name, word)
			}
		}
	}
}

// TestToSet holds that what a hint says to set is taken, for the example of each row.
func TestToSet(t *testing.T) {
	for _, row := range registry.All {
		target, err := registry.Open(testenv.New(t, nil), ref(t, row.Example))
		if err != nil {
			t.Fatal(said(err))
		}
		for _, way := range target.ToSet(testenv.New(t, nil)) {
			vars := map[string]string{}
			names, with, _ := strings.Cut(strings.TrimSuffix(way, ")"), " (with ")
			for _, name := range strings.Split(names, " and ") {
				vars[name] = "a-key-of-the-user"
			}
			if name, value, ok := strings.Cut(with, "="); ok {
				vars[name] = value
			}
			if vars["GOOGLE_APPLICATION_CREDENTIALS"] != "" {
				continue // a path
			}
			env := testenv.New(t, vars)
			if !slices.ContainsFunc(row.Proofs, func(s registry.Source) bool {
				_, ok, err := s.Find(env, target)
				return ok && err == nil
			}) && row.Name != "jfrog" { // its last way says for which server
				t.Errorf("%s: %s is not taken", row.Name, way)
			}
		}
	}
}

// TestPages holds that a host of a vendor's web pages is answered with a registry of it that is known.
func TestPages(t *testing.T) {
	env := testenv.New(t, nil)
	for _, row := range registry.All {
		for _, host := range row.Pages {
			target, err := registry.Open(env, ref(t, "https://"+host+"/acme/app"))
			if err != nil {
				t.Fatal(said(err))
			}
			if hint := target.MayBe(); !strings.Contains(hint, "such as `"+row.Example+"`") {
				t.Errorf("%s: %s, hint %q", row.Name, target.Row.Name, hint)
			}
		}
	}
}

// hostileJob has claims of whoever names a branch.
func hostileJob() registry.Job {
	return registry.Job{Issuer: "https://token.actions.githubusercontent.com", Audience: "an-audience",
		Claims: []registry.Claim{
			{Name: "sub", Value: `repo:acme/app:ref:refs/heads/x';touch pwned;'"$(touch pwned)` + "`touch pwned`" +
				`${file("/etc/passwd")}%{if true}`},
			{Name: "repository", Value: "acme/app"}, {Name: "repository_id", Value: "7"},
			{Name: "repository_owner", Value: "acme"}, {Name: "repository_owner_id", Value: "5"},
			{Name: "ref", Value: `refs/heads/x';touch pwned;'$(touch pwned)`},
		}}
}

// TestTrustQuotes runs the commands of each row in a shell whose programs all print their arguments, and reads the
// documents: a claim stays one word.
func TestTrustQuotes(t *testing.T) {
	for _, row := range registry.All {
		if row.Trust == nil {
			continue
		}
		env := testenv.New(t, nil)
		target, err := registry.Open(env, ref(t, row.Example))
		if err != nil {
			t.Errorf("%s: %s", row.Name, said(err))
			continue
		}
		trust, err := row.Trust(env, target, hostileJob())
		if err != nil {
			t.Errorf("%s: %s", row.Name, said(err))
			continue
		}
		if trust.Where == "" || len(trust.Fields) == 0 {
			t.Errorf("%s: %+v", row.Name, trust)
		}
		if _, err := json.Marshal(trust); err != nil {
			t.Errorf("%s: %v", row.Name, err)
		}
		if strings.Contains(strings.ReplaceAll(trust.Terraform, "$${", ""), `${file`) {
			t.Errorf("%s: Terraform would run the claim: %s", row.Name, trust.Terraform)
		}
		if trust.Shell == "" {
			continue
		}
		dir := t.TempDir()
		// every program that is not the shell's own is a function of that name
		script := "command_not_found_handle() { printf '%s\\n' \"$@\"; }\n" + trust.Shell
		c := exec.Command("bash", "-eu", "-c", script)
		c.Dir, c.Env = dir, []string{"PATH=/nowhere"}
		out, err := c.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v: %s\n%s", row.Name, err, out, trust.Shell)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: the claim ran: %s", row.Name, trust.Shell)
		}
	}
}
