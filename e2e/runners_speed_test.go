//go:build speed && runners && engines && clients && linux

package e2e

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestSpeed runs the scripts in testdata/speed, which measure and prove nothing. ./bench runs it, and needs in
// REGPASS_PEER_CACHE a folder where uv has what tools/ci/peer/exchange.py imports.
func TestSpeed(t *testing.T) {
	cache := os.Getenv("REGPASS_PEER_CACHE")
	if cache == "" {
		t.Fatal("REGPASS_PEER_CACHE does not say where uv keeps the packages of the peer; ./bench sets it")
	}
	r := newRunners(t)
	testscript.Run(t, testscript.Params{Dir: testdata("speed"), RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PEER_CACHE", cache)
			return r.setup(e)
		},
		Cmds: speedCommands})
}

// speedCommands are the commands of scripts that measure.
var speedCommands = scriptCommands{"github": commands["github"], "measure": cmdMeasure}

// stepTook is how act says how long a step took.
var stepTook = regexp.MustCompile(`Success - Main ([a-z-]+) \[(\S+)\]`)

// cmdMeasure is `measure N`: runs the workflow N times after two to warm up, and prints of each step that has a name
// how long it took.
func cmdMeasure(ts *testscript.TestScript, neg bool, args []string) {
	runs, err := strconv.Atoi(args[0])
	ts.Check(err)
	var names []string
	took := map[string][]time.Duration{}
	for n := range runs + 2 {
		ts.Check(ts.Exec(ts.Getenv("ACT"), "push", "--var", "PEER_CACHE", "--var", "PUBLISH"))
		for _, match := range stepTook.FindAllStringSubmatch(ts.ReadFile("stdout"), -1) {
			d, err := time.ParseDuration(match[2])
			ts.Check(err)
			if n < 2 {
				continue
			}
			if !slices.Contains(names, match[1]) {
				names = append(names, match[1])
			}
			took[match[1]] = append(took[match[1]], d)
		}
	}
	for _, name := range names {
		d := took[name]
		slices.Sort(d)
		if len(d) != runs {
			ts.Fatalf("%s ran %d times, not %d", name, len(d), runs)
		}
		fmt.Printf("speed: %-14s median %7.1f ms, of %d from %.1f to %.1f\n", name, ms(d[runs/2]), runs, ms(d[0]),
			ms(d[runs-1]))
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
