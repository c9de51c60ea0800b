package cli

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/ci"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/envsync/clients"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/registry"
)

// readmeTable returns the rows of the README's table whose first column has that title, cell by cell.
func readmeTable(t *testing.T, title string) [][]string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n| "+title+" |")
	if !found {
		t.Fatalf("the README has no table of %s", title)
	}
	var rows [][]string
	for _, line := range strings.Split(rest, "\n")[2:] {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	return rows
}

// code matches what stands between backquotes.
var code = regexp.MustCompile("`([^`]+)`")

// quotedIn lists what stands between backquotes in a column of a table and matches the pattern.
func quotedIn(rows [][]string, column int, pattern string) []string {
	var all []string
	for _, r := range rows {
		for _, m := range code.FindAllStringSubmatch(r[column], -1) {
			if regexp.MustCompile(pattern).MatchString(m[1]) {
				all = append(all, m[1])
			}
		}
	}
	return all
}

// wantSame compares names without regard to order.
func wantSame(t *testing.T, what string, got, want []string) {
	t.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if got, want = slices.Compact(got), slices.Compact(want); !slices.Equal(got, want) {
		t.Errorf("the README's table of %s names\n%q\nand the program knows\n%q", what, got, want)
	}
}

// TestREADMENamesEveryCI holds that the table of CI systems has a row for each system, each provider, and no other.
func TestREADMENamesEveryCI(t *testing.T) {
	rows := readmeTable(t, "CI system")
	wantSame(t, "CI systems", quotedIn(rows, 2, ""),
		regpass.Names(identity.Providers, func(p identity.Provider) string { return p.Name }))
	var named, known []string
	for _, r := range rows {
		if name, _ := strings.CutPrefix(r[0], "any, such as "); name != "any" && !strings.HasPrefix(name, "any, ") {
			named = append(named, name)
		}
	}
	for _, s := range ci.Systems {
		if s.HasJobs() {
			known = append(known, s.Title)
		}
	}
	wantSame(t, "CI systems", named, known)
}

// TestREADMENamesEveryRegistry holds that the table of registries has each kind, every variable, and no other.
func TestREADMENamesEveryRegistry(t *testing.T) {
	rows := readmeTable(t, "registry")
	if len(rows) != len(registry.All) {
		t.Errorf("the README has %d rows, and the program %d kinds of registries", len(rows), len(registry.All))
	}
	vars := []string{broker.KeyVar, broker.KeyVar + "_HOST"} // the latter stands for those of all hosts
	for _, kind := range registry.All {
		name := map[string]string{registry.Static: "any other server"}[kind.Name]
		if name == "" {
			name = kind.Name
		}
		if !slices.ContainsFunc(rows, func(r []string) bool {
			return strings.Contains(strings.ToLower(r[0]), name)
		}) {
			t.Errorf("the README's table of registries has no row for %s", kind.Name)
		}
		for _, source := range kind.Proofs {
			vars = append(vars, source.Vars...)
		}
	}
	wantSame(t, "registries", quotedIn(rows, 1, `^[A-Z][A-Z_0-9]+$`), vars)
}

// TestREADMENamesEverySink holds that the table of clients names each sink, and no other.
func TestREADMENamesEverySink(t *testing.T) {
	wantSame(t, "clients", quotedIn(readmeTable(t, "client"), 1, `^[a-z-]+$`),
		regpass.Names(clients.All, func(s envsync.Sink) string { return s.Name }))
}
