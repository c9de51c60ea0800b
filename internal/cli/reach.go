package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/envsync/clients"
	"github.com/regpass/regpass/project"
)

// clientReport says of the programs of one sink whether they find a registry's credential under `regpass exec`.
type clientReport struct {
	Sink     string   `json:"sink,omitempty"` // empty: they have none
	Programs []string `json:"programs"`
	LeftOut  string   `json:"left_out,omitempty"` // why they do not find it; empty: they do
	Hints    []string `json:"hints,omitempty"`
}

// reach tells which programs would find a lease's credential by `regpass exec` in this project, and which not. all are
// the leases of the run. It plans as exec does and writes nothing.
func (a *app) reach(l broker.Lease, all []broker.Lease) []clientReport {
	f := sinkFlags{defaults: clients.Defaults(true), command: []string{""}} // whatever command it will be
	every := entriesOf(all)
	sinks, err := f.sinks(a)
	if err != nil {
		return nil
	}
	sinks, _ = f.withKeyring(sinks, every)
	var reports []clientReport
	var found []string
	for _, sink := range sinks {
		r := clientReport{Sink: sink.Name, Programs: sink.Readers}
		if sink.Name == "env" {
			continue // no program's own
		} else if len(r.Programs) == 0 {
			r.Programs = []string{sink.Name}
		}
		mine, err := f.entries(a, sink, l, every)
		if err == nil {
			err = f.dry(a, sink, mine)
		}
		if errors.Is(err, envsync.ErrNotTheirs) || err != nil && sink.Default && !f.missedIn(a, sink) {
			continue // the project's clients are others
		}
		if err != nil {
			r.LeftOut, r.Hints = oneLine([]error{err}), regpass.Hints(err)
		} else {
			found = append(found, r.Programs...)
		}
		reports = append(reports, r)
	}
	for _, u := range clients.NoSink {
		if len(u.Uses) > 0 && project.Has(a.env, u.Uses) {
			reports = append(reports, clientReport{Programs: []string{u.Name}, LeftOut: "it has no sink",
				Hints: []string{u.Instead}})
		}
	}
	var kept []clientReport
	for _, r := range reports {
		if r.LeftOut != "" {
			r.Programs = slices.DeleteFunc(slices.Clone(r.Programs), func(p string) bool { return slices.Contains(found, p) })
		}
		if len(r.Programs) > 0 {
			kept = append(kept, r)
		}
	}
	return kept
}

// dry returns why a sink would set nothing for the entries, or nil.
func (f *sinkFlags) dry(a *app, sink envsync.Sink, entries []envsync.Entry) error {
	o := f.options()
	if sink.Named {
		o.Names = project.Names(a.env)
	}
	p, err := sink.Plan(a.env, filepath.Join(a.env.TempDir, "regpass-status"), entries, o)
	if err == nil && setsNothing(p) {
		err = fmt.Errorf("%s: %s", sink.Name, notNamed(entries))
	}
	return err
}

// clientLines are the reports for people: who is reached on one line, and a line for each that is left out.
func clientLines(all []clientReport) (lines []string) {
	var reached []string
	for _, r := range all {
		who := listed(r.Programs)
		if r.Sink != "" {
			who += " (" + r.Sink + ")"
		}
		if r.LeftOut == "" {
			reached = append(reached, who)
			continue
		}
		lines = append(lines, "left out: "+who+": "+strings.TrimPrefix(r.LeftOut, r.Sink+": ")) // who names the sink
		lines = append(lines, prefixed("  hint: ", r.Hints)...)
	}
	if len(reached) > 0 {
		lines = append([]string{"reaches: " + strings.Join(reached, "; ")}, lines...)
	}
	return lines
}
