package cli

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/regpass/regpass"
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

// TestREADMETables holds that the README has what `regpass man --tables` prints, and that every kind has a page, and
// every CI system with jobs is named.
func TestREADMETables(t *testing.T) {
	whole, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(whole)
	for name, table := range map[string]string{"identities": identityTable(), "registries": registryTable(),
		"clients": clientTable()} {
		if !strings.Contains(text, table) {
			t.Errorf("the README's table of %s is not the one that `regpass man --tables` prints", name)
		}
	}
	for _, kind := range registry.All {
		page, err := os.ReadFile("../../docs/registries/" + page(kind.Name) + ".md")
		if err != nil {
			t.Error(err)
		} else if !strings.Contains(string(page), "Proven by:") {
			t.Errorf("the page of %s does not say what it is proven by", kind.Name)
		}
		if kind.Proven == "" {
			t.Errorf("%s: what proves it?", kind.Name)
		}
	}
	for _, p := range identity.Providers {
		if p.Proven == "" {
			t.Errorf("%s: what proves it?", p.Name)
		}
	}
	for _, s := range ci.Systems {
		if s.HasJobs() && !strings.Contains(text, s.Title) {
			t.Errorf("the README does not name %s", s.Title)
		}
	}
}

// TestREADMENamesEverySink holds that the table of clients names each sink, and no other.
func TestREADMENamesEverySink(t *testing.T) {
	wantSame(t, "clients", quotedIn(readmeTable(t, "client"), 1, `^[a-z-]+$`),
		regpass.Names(clients.All, func(s envsync.Sink) string { return s.Name }))
}
