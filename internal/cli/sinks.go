package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/session"
)

// sinkFlags are what exec and login share: where to put credentials.
type sinkFlags struct {
	to      []string
	all     []string // the sinks that are meant where none is named
	options envsync.Options
	secrets bool // also files for the secrets of container builds
}

func (f *sinkFlags) add(a *app, cmd *cobra.Command, all ...string) {
	f.all = all
	fl := cmd.Flags()
	fl.StringSliceVar(&f.to, "to", a.set.To, "`SINKS` to write: "+strings.Join(sinkNames(), ", ")+"; by default those of "+strings.Join(all, ", ")+" that can carry the credential")
	complete(cmd, "to", sinkNames())
	fl.BoolVar(&f.options.Wildcard, "wildcard", false, "rattler: also cover all hosts below the registry's, as *.HOST")
}

func sinkNames() []string {
	var names []string
	for _, s := range envsync.Sinks {
		names = append(names, s.Name)
	}
	return names
}

// check finds names of no sink before a credential is made for them.
func (f *sinkFlags) check() error {
	for _, name := range f.to {
		if _, err := envsync.FindSink(strings.TrimSpace(name)); err != nil {
			return err
		}
	}
	return nil
}

// plan works out what to write for the credentials. A sink that was asked for by name must be able to carry all of
// them; of the default ones each carries what it can, and every credential must be carried by one.
func (f *sinkFlags) plan(a *app, s *session.Session, all []broker.Lease) (envsync.Plan, error) {
	asked := len(f.to) > 0
	names := f.to
	if !asked {
		names = f.all
	}
	var whole envsync.Plan
	carried := make([]bool, len(all))
	var why []error
	planned := map[string]bool{}
	for _, name := range names {
		sink, err := envsync.FindSink(strings.TrimSpace(name))
		if err != nil {
			return whole, err
		}
		if planned[sink.Name] {
			continue
		}
		planned[sink.Name] = true
		var entries []envsync.Entry
		for i, l := range all {
			for _, cred := range l.Cred.PerHost() {
				e := envsync.Entry{Ref: l.Target.Ref, Cred: cred, ClientVar: l.Target.Row.ClientVar}
				if err := sink.Carries(e); err != nil && !asked {
					why = append(why, err)
					continue
				}
				entries, carried[i] = append(entries, e), true
			}
		}
		if len(entries) == 0 {
			continue
		}
		p, err := sink.Plan(a.env, s.Files(), entries, f.options)
		if err != nil {
			return whole, err
		}
		whole.Changes = append(whole.Changes, p.Changes...)
		whole.Vars = append(whole.Vars, p.Vars...)
		whole.Warnings = append(whole.Warnings, p.Warnings...)
	}
	if f.secrets {
		files, warnings, err := a.secretFiles(s.Files(), all)
		if err != nil {
			return whole, err
		}
		whole.Changes = append(whole.Changes, changes(files)...)
		whole.Warnings = append(whole.Warnings, warnings...)
	}
	if i := slices.Index(carried, false); i >= 0 {
		return whole, regpass.Hintf(fmt.Errorf("no sink can carry the credential for %s: %w", all[i].Target.Ref, errors.Join(why...)), "name one with --to, or use `regpass token`")
	}
	return whole, nil
}
