package action_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// launchers are the files of the action that node runs.
func launchers(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("*.mjs")
	if err != nil || len(all) < 2 {
		t.Fatalf("the launchers are %q, %v", all, err)
	}
	return all
}

// The launchers have no dependencies and stay small: what the action does is in Go.
func TestLaunchersAreSmall(t *testing.T) {
	const most = 60 // lines
	for _, name := range launchers(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(string(text), "\n"); lines > most {
			t.Errorf("%s has %d lines, more than %d", name, lines, most)
		}
		for _, from := range regexp.MustCompile(`(?m)^import .* from '(.*)';$`).FindAllStringSubmatch(string(text), -1) {
			if !strings.HasPrefix(from[1], "node:") && !strings.HasPrefix(from[1], "./") {
				t.Errorf("%s needs %s", name, from[1])
			}
		}
	}
}
