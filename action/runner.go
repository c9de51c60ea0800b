// Package action speaks to a GitHub Actions runner. It is the only place that uses sethvargo/go-githubactions, and
// closes the holes of that library: one delimiter for all values, names that are not checked, panics, and empty masks.
package action

import (
	"fmt"
	"io"
	"os"

	githubactions "github.com/sethvargo/go-githubactions"

	"github.com/regpass/regpass"
)

// Runner is the runner that runs this program in a step.
type Runner struct {
	getenv func(string) string
	lib    *githubactions.Action
	draw   func() string // draws the delimiter after a value in a file; tests draw badly
}

// New returns the runner that set the variables of env.
func New(env *regpass.Env) *Runner {
	return &Runner{getenv: env.Getenv, draw: randomDelimiter,
		lib: githubactions.New(githubactions.WithGetenv(env.Getenv), githubactions.WithWriter(io.Discard))}
}

// Input is the value of an input in the workflow, without the white space around it; empty if it is not set.
func (r *Runner) Input(name string) string { return r.lib.GetInput(name) }

// State is a value that this step's main kept for its post with SaveState; empty if there is none.
func (r *Runner) State(name string) string { return r.getenv("STATE_" + name) }

// SaveState keeps a value for this step's post. No other step can read or change it.
func (r *Runner) SaveState(name, value string) error { return r.set("state", name, value) }

// SetOutput sets an output of this step. A secret must be masked before.
func (r *Runner) SetOutput(name, value string) error { return r.set("output", name, value) }

// SetEnv sets a variable for all later steps of the job.
func (r *Runner) SetEnv(name, value string) error { return r.set("env", name, value) }

// validName matches the names that every runner reads as we mean them
// (actions/runner, FileCommandManager.cs, splits at the first = or <<).
var validName = regpass.Pattern(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// set adds a name and its value to one of the runner's files.
func (r *Runner) set(file, name, value string) error {
	if !validName().MatchString(name) {
		return fmt.Errorf("action: %s: %s is not a name", file, regpass.Quote(name))
	}
	text, err := block(name, value, r.draw)
	if err != nil {
		return fmt.Errorf("action: %s %s: %w", file, name, err)
	}
	return r.file(file, text)
}

// file adds text to one of the runner's files. It does not make a file that is missing: everyone could read a new one.
func (r *Runner) file(name, text string) (err error) {
	command := &githubactions.Command{Name: name, Message: text}
	variable := fileVariable(name)
	path := r.getenv(variable)
	if path == "" {
		return withFileHint(fmt.Errorf("action: %s is not set", variable))
	}
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return withFileHint(fmt.Errorf("action: %s: %w", variable, err))
	case !st.Mode().IsRegular():
		return withFileHint(fmt.Errorf("action: %s: %s is not a plain file", variable, path))
	case st.Mode().Perm()&0o077 != 0:
		// A runner makes its files with its umask. This fails if we do not own them, as in some containers.
		_ = os.Chmod(path, st.Mode().Perm()&^0o077)
	}
	defer func() {
		if p := recover(); p != nil { // the library reports errors by panics
			err = withFileHint(fmt.Errorf("action: %s: %v", variable, p))
		}
	}()
	r.lib.IssueFileCommand(command)
	return nil
}

func withFileHint(err error) error {
	return regpass.Hintf(err, "the runner makes this file for each step and names it in the variable; "+
		"run `regpass action` only as the action's own step")
}
