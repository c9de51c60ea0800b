package cli

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/action"
	"github.com/regpass/regpass/session"
)

// actionFolder begins the name of a session's folder in the runner's temporary folder. Each use of the action in a job
// has its own, so that each post undoes only its own main.
const actionFolder = "regpass-action-"

func (a *app) newActionFolder() string {
	return filepath.Join(a.runnerTemp(), actionFolder+rand.Text())
}

// runnerTemp is the folder that the runner empties after the job.
func (a *app) runnerTemp() string {
	if dir := a.env.Getenv("RUNNER_TEMP"); filepath.IsAbs(dir) {
		return filepath.Clean(dir)
	}
	return a.env.TempDir
}

// actionPost undoes what main of the same step did, even if main failed or was cancelled. It fails no job.
func actionPost(ctx context.Context, a *app, r *action.Runner) {
	dir := r.State(stateSession)
	switch {
	case dir == "":
		a.say.notef("there is nothing to undo")
		return
	case filepath.Dir(dir) != a.runnerTemp() || !strings.HasPrefix(filepath.Base(dir), actionFolder):
		a.say.Warn(fmt.Errorf("action: %s is not a folder that this action made", regpass.Quote(dir)))
		return
	}
	s, err := session.At(a.env, dir)
	switch {
	case err != nil:
		a.say.Warn(err)
	case s == nil:
		a.say.notef("there is nothing to undo any more")
	default:
		in, _ := r.Inputs()                                          // main has reported an error in them
		a.undo(ctx, s, a.undoLimit(in), session.Ending{Force: true}) // what still runs ends with the job
	}
}

// undoLimit is the time limit of undo. It needs a default of its own, since settings that are wrong are not read.
func (a *app) undoLimit(in action.Inputs) time.Duration {
	for _, d := range []time.Duration{in.Timeout, a.set.Timeout} {
		if d > 0 {
			return d
		}
	}
	return 30 * time.Second
}
