package cli

import (
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass/envsync/setup"
	"github.com/regpass/regpass/helper"

	"go.yaml.in/yaml/v3"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/buildkit/inject"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/envsync/clients"
	"github.com/regpass/regpass/session"
)

// TestActionYMLHasEveryClient holds that action.yml and the rows of clients say the same: its outputs are those that
// are set, each with the variable that it repeats, and its inputs name the sinks and what is exported.
func TestActionYMLHasEveryClient(t *testing.T) {
	raw, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var action struct {
		Inputs, Outputs map[string]struct{ Description string }
	}
	if err := yaml.Unmarshal(raw, &action); err != nil {
		t.Fatal(err)
	}
	var plan handover
	for _, s := range clients.All {
		if len(s.Programs) > 0 || s.Keychain { // for a running command or a login only
			continue
		}
		if !strings.Contains(action.Inputs["to"].Description, s.Name) {
			t.Errorf("the input to does not name the sink %s", s.Name)
		}
		if (s.File != "") != (s.Var != "") || (s.File != "") != (s.Output != "") {
			t.Errorf("%s: a client with a file has a variable and an output, and no other has: %q, %q, %q",
				s.Name, s.File, s.Var, s.Output)
		}
		if s.File == "" {
			continue
		}
		plan.Vars = append(plan.Vars, envsync.Var{Name: s.Var, Plain: "/" + s.File})
		if o, ok := action.Outputs[s.Output]; !ok || !strings.Contains(o.Description, s.Var) {
			t.Errorf("the output %s is not for %s: %q", s.Output, s.Var, o.Description)
		}
		prefix, _, _ := strings.Cut(s.Var, "_")
		if !strings.Contains(action.Inputs["export-env"].Description, prefix) {
			t.Errorf("the input export-env does not name %s", s.Var)
		}
	}
	var set []string
	lease := broker.Lease{Lease: session.Lease{Cred: regpass.Credential{Expires: time.Unix(1e9, 0)}}}
	for _, o := range outputs([]broker.Lease{lease}, plan, "/bake.json") {
		set = append(set, o.name)
	}
	var written []string
	for name := range action.Outputs {
		written = append(written, name)
	}
	slices.Sort(set)
	slices.Sort(written)
	if !slices.Equal(set, written) {
		t.Errorf("action.yml has the outputs %q, and %q are set", written, set)
	}
}

// TestStepsAreGivenEveryClient holds that the file of each client goes to a step that runs a command for it.
func TestStepsAreGivenEveryClient(t *testing.T) {
	for _, s := range clients.All {
		if s.Build.ID == "" {
			continue
		}
		reads := func(r inject.Rule) bool {
			return slices.ContainsFunc(r.Reads, func(pattern string) bool {
				ok, err := path.Match(pattern, s.Var)
				return ok && err == nil
			})
		}
		if !slices.ContainsFunc(inject.Rules, reads) {
			t.Errorf("%s: no command is known to read %s", s.Name, s.Var)
		}
	}
}

// TestSetupsAreTheHelpers holds that each helper can be installed or says why it cannot.
func TestSetupsAreTheHelpers(t *testing.T) {
	if len(setup.All) != len(helper.All) {
		t.Fatalf("%d rows for %d helpers", len(setup.All), len(helper.All))
	}
	for i, p := range helper.All {
		if setup.All[i].Name != p.Name {
			t.Errorf("row %d is %s, not %s", i, setup.All[i].Name, p.Name)
		}
	}
}
