package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/buildtool"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/envsync/clients"
	"github.com/regpass/regpass/session"
)

// sinkFlags are what exec, login and the action share: where to put credentials.
type sinkFlags struct {
	to       []string
	defaults []envsync.Sink // meant where none is named
	wildcard bool
	files    map[string]*string // by sink: --netrc-file and the like
	homes    map[string]*bool   // by sink: --rattler-home and the like
	secrets  bool               // also files for the secrets of container builds
}

// handover is a plan of all sinks, with the secrets of container builds where those are wanted.
type handover struct {
	envsync.Plan
	secrets []buildtool.File
}

// files are those to write besides the changes.
func (h handover) files() []session.File { return buildtool.Written(h.secrets) }

func (f *sinkFlags) add(a *app, cmd *cobra.Command, defaults []envsync.Sink) {
	f.defaults = defaults
	names := clients.Names(clients.All)
	fl := cmd.Flags()
	fl.StringSliceVar(&f.to, "to", a.set.To, "`SINKS` to write: "+strings.Join(names, ", ")+
		"; by default those of "+strings.Join(clients.Names(defaults), ", ")+" that can carry the credential")
	complete(cmd, "to", names)
	fl.BoolVar(&f.wildcard, "wildcard", false, "rattler: also cover all hosts below the registry's, as *.HOST")
}

// addInPlace adds the flags that change files of the user's.
func (f *sinkFlags) addInPlace(cmd *cobra.Command) {
	f.files, f.homes = map[string]*string{}, map[string]*bool{}
	for _, s := range clients.All {
		switch in := s.InPlace; {
		case in.Flag == "":
		case in.TakesFile:
			f.files[s.Name] = cmd.Flags().String(in.Flag, "", in.Doc)
		default:
			f.homes[s.Name] = cmd.Flags().Bool(in.Flag, false, in.Doc)
		}
	}
}

func (f *sinkFlags) options() envsync.Options {
	o := envsync.Options{InPlace: map[string]string{}, Wildcard: f.wildcard}
	for name, file := range f.files {
		if *file != "" {
			o.InPlace[name] = *file
		}
	}
	for name, home := range f.homes {
		if *home {
			o.InPlace[name] = ""
		}
	}
	return o
}

// sinks are those that are named, each once, or the default ones. The error is regpass.ErrUsage.
func (f *sinkFlags) sinks() ([]envsync.Sink, error) {
	if len(f.to) == 0 {
		return f.defaults, nil
	}
	var sinks []envsync.Sink
	for _, name := range f.to {
		sink, err := clients.Find(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		if !slices.Contains(clients.Names(sinks), sink.Name) {
			sinks = append(sinks, sink)
		}
	}
	return sinks, nil
}

// check finds names of no sink before a credential is made for them.
func (f *sinkFlags) check() error {
	_, err := f.sinks()
	return err
}

// plan works out what to write for the credentials. A sink that was asked for by name must be able to carry all of
// them; of the default ones each carries what it can, and every credential must be carried by one.
func (f *sinkFlags) plan(a *app, s *session.Session, all []broker.Lease) (handover, error) {
	sinks, err := f.sinks()
	if err != nil {
		return handover{}, err
	}
	var whole handover
	carried := make([]bool, len(all))
	var why []error
	for _, sink := range sinks {
		var entries []envsync.Entry
		for i, l := range all {
			for _, cred := range l.Cred.PerHost() {
				e := envsync.Entry{Ref: l.Target.Ref, Cred: cred, ClientVar: l.Target.Row.ClientVar}
				if err := sink.Carries(e); err != nil && len(f.to) == 0 {
					why = append(why, err)
					continue
				}
				entries, carried[i] = append(entries, e), true
			}
		}
		if len(entries) == 0 {
			continue
		}
		p, err := sink.Plan(a.env, s.Files(), entries, f.options())
		if err != nil {
			return handover{}, err
		}
		whole.Changes = append(whole.Changes, p.Changes...)
		whole.Vars = append(whole.Vars, p.Vars...)
		whole.Warnings = append(whole.Warnings, p.Warnings...)
	}
	if i := slices.Index(carried, false); i >= 0 {
		return handover{}, regpass.Hintf(fmt.Errorf("no sink can carry the credential for %s: %w",
			all[i].Target.Ref, errors.Join(why...)),
			"name one with --to, or use `regpass token`")
	}
	if f.secrets {
		files, warnings, err := secretFiles(s.Files(), all)
		if err != nil {
			return handover{}, err
		}
		whole.secrets, whole.Warnings = files, append(whole.Warnings, warnings...)
	}
	return whole, nil
}
