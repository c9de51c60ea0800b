package e2e

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/regpass/regpass/internal/fake"
)

// stepOf is the runner's side of a script's step.
func stepOf(ts *testscript.TestScript) fake.Runner {
	return fake.Runner{Dir: filepath.Join(ts.Getenv("WORK"), "step")}
}

// cmdStep is `step [post]`: it begins a step of a GitHub job, or the post step of the one before, with its
// state.
func cmdStep(ts *testscript.TestScript, _ bool, args []string) {
	r := stepOf(ts)
	state := map[string]string{}
	if len(args) > 0 {
		var err error
		state, err = r.Values("state")
		ts.Check(err)
	}
	vars, err := r.Step()
	ts.Check(err)
	setAll(ts, append(vars, "STATE_session="+state["session"], "NL=\n"))
}

// cmdKeep is `keep [post] NAME`: it keeps the state of this step under a name, or begins the post step of that step.
func cmdKeep(ts *testscript.TestScript, _ bool, args []string) {
	r := stepOf(ts)
	if args[0] == "post" {
		_, err := r.Step()
		ts.Check(err)
		ts.Setenv("STATE_session", ts.Getenv("KEPT_"+args[1]))
		return
	}
	state, err := r.Values("state")
	ts.Check(err)
	ts.Setenv("KEPT_"+args[0], state["session"])
}

// cmdTold is `told FILE NAME REGEXP [VARIABLE]`: the step told the runner this value, in the file output, env or state;
// with a fourth argument the value also goes to that variable of the script. `! told FILE [NAME]`: it told none.
func cmdTold(ts *testscript.TestScript, neg bool, args []string) {
	values, err := stepOf(ts).Values(args[0])
	ts.Check(err)
	if neg {
		for name := range values {
			if len(args) == 1 || args[1] == name {
				ts.Fatalf("the runner was told %s in %s", name, args[0])
			}
		}
		return
	}
	value, ok := values[args[1]]
	re, err := regexp.Compile(args[2])
	ts.Check(err)
	if !ok || !re.MatchString(value) {
		ts.Fatalf("the runner was told %q as %s, which does not match %s", tokenLike.ReplaceAllString(value, "<TOKEN>"),
			args[1], args[2])
	}
	if len(args) > 3 {
		ts.Setenv(args[3], value)
	}
}

// cmdLog is `log FILE`: the job's log, which a runner makes of what the last program printed, is written to a file, and
// so are the commands but masks, one a line. A later step that printed the outputs token and secrets, or the two forms
// of base64 with the user name, would show nothing of them.
func cmdLog(ts *testscript.TestScript, _ bool, args []string) {
	shown, commands := fake.Log(ts.ReadFile("stderr") + "\n" + ts.ReadFile("stdout"))
	for _, c := range commands {
		if c.Name != "add-mask" {
			shown += strings.TrimSpace(c.Name+" "+c.Properties) + ": " + c.Data + "\n"
		}
	}
	values, err := stepOf(ts).Values("output")
	ts.Check(err)
	pair := values["username"] + ":" + values["token"]
	held := strings.Join([]string{values["token"], values["secrets"], base64.StdEncoding.EncodeToString([]byte(pair)),
		base64.URLEncoding.EncodeToString([]byte(pair)), url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(pair))),
	}, "\n")
	masked, _ := fake.Log(ts.ReadFile("stderr") + "\n" + held)
	if leaks(masked, held) {
		ts.Fatalf("an output would be shown in the log of a later step:\n%s", masked)
	}
	if tokenLike.MatchString(shown) {
		ts.Fatalf("the log shows a token")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(shown), 0o600))
}

// leaks reports whether the text shows more than a few bytes on end of a token or a header in held, which are all the
// long words there.
func leaks(text, held string) bool {
	const long, few = 60, 4
	for _, w := range strings.FieldsFunc(held, func(r rune) bool { return r <= ' ' || r == '=' || r == '"' }) {
		for i := 0; len(w) >= long && i+few < len(w); i++ {
			if strings.Contains(text, w[i:i+few+1]) {
				return true
			}
		}
	}
	return false
}

// cmdSummary is `summary FILE`: it writes the step's summary to the file, with ports and times replaced.
func cmdSummary(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(filepath.Join(stepOf(ts).Dir, "step_summary"))
	text = regexp.MustCompile(`&#58;\d+&#47;`).ReplaceAllString(text, "&#58;PORT&#47;")
	text = regexp.MustCompile(`\d{4}&#45;\d\d&#45;\d\d \d\d&#58;\d\d`).ReplaceAllString(text, "WHEN")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// cmdRegistries is `registries N VARIABLE`: it sets the variable to N registries, one a line.
func cmdRegistries(ts *testscript.TestScript, _ bool, args []string) {
	var n int
	_, err := fmt.Sscan(args[0], &n)
	ts.Check(err)
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s/simple/acme/index-%d type=pyx\n", ts.Getenv("SERVICE"), i)
	}
	ts.Setenv(args[1], b.String())
}
