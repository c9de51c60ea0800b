package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/testenv"
	"github.com/regpass/regpass/registry"
)

// TestTrustOfDescribedJobs fails if what is to be entered for a job that flags describe has an empty value, which would
// let in nobody or everybody: each CI system of --ci, at each kind of registry that takes it.
func TestTrustOfDescribedJobs(t *testing.T) {
	env := testenv.New(t, nil)
	for _, system := range shaped() {
		taken := 0
		for _, row := range registry.All {
			if row.Trust == nil {
				continue
			}
			ref, err := regpass.ParseRef(row.Example)
			if err != nil {
				t.Fatal(err)
			}
			ref.Trusted = true
			target, err := registry.Open(env, ref)
			if err != nil {
				t.Fatal(err)
			}
			f := trustFlags{ci: system.Name, ref: "main", repository: "acme/app"}
			if strings.Count(system.Repository, "/") == 2 {
				f.repository += "/build"
			}
			if system.Issuer == "" {
				f.issuer = "https://ci.example"
			}
			job, err := f.described(env, target)
			if err != nil {
				t.Fatal(err)
			}
			trust, err := row.Trust(env, target, job)
			if err != nil {
				continue // an index that takes other CI systems
			}
			taken++
			for _, field := range trust.Fields {
				if field.Value == "" || strings.Contains(field.Value, `""`) || strings.Contains(field.Value, "{}") {
					t.Errorf("%s, %s: %s is %q", system.Name, row.Name, field.Name, field.Value)
				}
			}
			documents, err := json.Marshal(trust.Documents)
			if err != nil || strings.Contains(string(documents), `:""`) || strings.Contains(string(documents), "{}") {
				t.Errorf("%s, %s: %s, %v", system.Name, row.Name, documents, err)
			}
		}
		if taken < 10 {
			t.Errorf("%s: only %d kinds of registries take it", system.Name, taken)
		}
	}
}
