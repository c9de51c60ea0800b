// Package action speaks to a GitHub Actions runner. It is the one place that uses sethvargo/go-githubactions and
// closes what that leaves open: one delimiter for all values, names that are not checked, panics, and masks of nothing.
package action

import (
	"fmt"
	"io"
	"os"

	githubactions "github.com/sethvargo/go-githubactions"

	"github.com/regpass/regpass"
)

// Runner is the runner of the step that the program is run by.
type Runner struct {
	getenv func(string) string
	lib    *githubactions.Action
	draw   func() string // draws what ends a value in a file; tests draw badly
}

// New returns the runner that set the variables of env.
func New(env *regpass.Env) *Runner {
	return &Runner{getenv: env.Getenv, draw: randomDelimiter,
		lib: githubactions.New(githubactions.WithGetenv(env.Getenv), githubactions.WithWriter(io.Discard))}
}

// Input is what the workflow says for the input, without the white space around it; empty if it says nothing.
func (r *Runner) Input(name string) string { return r.lib.GetInput(name) }

// State is what SaveState of this step's main kept for its post; empty if there is none.
func (r *Runner) State(name string) string { return r.getenv("STATE_" + name) }

// SaveState keeps a value for this step's post. No other step can read or change it.
func (r *Runner) SaveState(name, value string) error { return r.set("state", name, value) }

// SetOutput sets an output of this step. Mask a secret before it is one.
func (r *Runner) SetOutput(name, value string) error { return r.set("output", name, value) }

// SetEnv sets a variable for all later steps of the job.
func (r *Runner) SetEnv(name, value string) error { return r.set("env", name, value) }

// variable is what a name may be: no runner reads another one differently than we mean it
// (actions/runner, FileCommandManager.cs, splits at the first = or <<).
var variable = regpass.Pattern(`^[A-Za-z_][A-Za-z0-9_-]*$`)

func (r *Runner) set(file, name, value string) error {
	if !variable().MatchString(name) {
		return fmt.Errorf("action: %s: %s is not a name", file, regpass.Quote(name))
	}
	text, err := block(name, value, r.draw)
	if err != nil {
		return fmt.Errorf("action: %s %s: %w", file, name, err)
	}
	return r.file(file, text)
}

// file adds text to one of the runner's files. They are the runner's: one that is not there is not made, for a new one
// could be read by all.
func (r *Runner) file(name, text string) (err error) {
	command := &githubactions.Command{Name: name, Message: text}
	from := fileVariable(name)
	path := r.getenv(from)
	if path == "" {
		return noFile(fmt.Errorf("action: %s is not set", from))
	}
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return noFile(fmt.Errorf("action: %s: %w", from, err))
	case !st.Mode().IsRegular():
		return noFile(fmt.Errorf("action: %s: %s is not a plain file", from, path))
	case st.Mode().Perm()&0o077 != 0:
		// A runner makes them with its umask. Where it does not own them, as in some containers, this is not ours to do.
		_ = os.Chmod(path, st.Mode().Perm()&^0o077)
	}
	defer func() {
		if p := recover(); p != nil { // which is how the library reports
			err = noFile(fmt.Errorf("action: %s: %v", from, p))
		}
	}()
	r.lib.IssueFileCommand(command)
	return nil
}

func noFile(err error) error {
	return regpass.Hintf(err, "the runner makes this file for each step and names it in the variable; run `regpass action` only as the action's own step")
}
