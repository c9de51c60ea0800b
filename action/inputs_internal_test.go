package action

import (
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestActionYML holds that action.yml names the inputs that are read, with the same defaults, and what the launchers
// read.
func TestActionYML(t *testing.T) {
	raw, err := os.ReadFile("../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), "\ninputs:\n")
	block, _, ok := strings.Cut(rest, "\noutputs:\n")
	if !ok {
		t.Fatal("action.yml has no inputs before outputs")
	}
	written := map[string]string{}
	name := ""
	for line := range strings.Lines(block) {
		if m := regexp.MustCompile(`^  ([a-z-]+):\n$`).FindStringSubmatch(line); m != nil {
			name, written[m[1]] = m[1], ""
		}
		if m := regexp.MustCompile(`^    default: "?([a-z]+)"?\n$`).FindStringSubmatch(line); m != nil {
			written[name] = m[1]
		}
	}
	read := map[string]string{"binary": "", "version": ""} // action/binary.mjs
	for _, i := range inputs {
		read[i.name] = i.fallback
	}
	if !maps.Equal(written, read) {
		t.Errorf("action.yml says %q, and %q is read", written, read)
	}
}
