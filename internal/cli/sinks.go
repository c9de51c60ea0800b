package cli

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/envsync/ask"
	"github.com/regpass/regpass/envsync/clients"
	"github.com/regpass/regpass/envsync/setup"
	"github.com/regpass/regpass/helper"
	"github.com/regpass/regpass/project"
	"github.com/regpass/regpass/registry"
	"github.com/regpass/regpass/session"
)

// sinkFlags say where exec, login and the action put credentials.
type sinkFlags struct {
	to       []string
	defaults []envsync.Sink // used if to is empty
	command  []string       // that gets the credentials, and for which programs can be linked; nil: none runs
	wildcard bool
	files    map[string]*string // by sink: --netrc-file and the like
	homes    map[string]*bool   // by sink: --rattler-home and the like
}

func (f *sinkFlags) add(a *app, cmd *cobra.Command, defaults []envsync.Sink) {
	f.defaults = defaults
	names := clients.Names(clients.All)
	fl := cmd.Flags()
	fl.StringSliceVar(&f.to, "to", a.set.To, "`SINKS` to write: "+strings.Join(names, ", ")+
		"; by default every one of "+strings.Join(clients.Names(defaults), ", ")+" that can carry the credential; "+
		"'regpass help environment' says what each is")
	complete(cmd, "to", names)
	fl.BoolVar(&f.wildcard, "wildcard", false, "rattler: also cover all hosts below the registry's host, as *.HOST")
}

// addInPlace adds the flags that change the user's own files.
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
	o := envsync.Options{InPlace: map[string]string{}, Wildcard: f.wildcard, ByChance: len(f.to) == 0,
		Command: f.command}
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

// sinks returns the sinks that --to names, each once, or the defaults. An unknown name is regpass.ErrUsage.
func (f *sinkFlags) sinks(a *app) ([]envsync.Sink, error) {
	if len(f.to) == 0 {
		return append(slices.Clone(f.defaults), f.used(a)...), nil
	}
	var sinks []envsync.Sink
	for _, name := range f.to {
		sink, err := clients.Find(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		if len(sink.Programs) > 0 && f.command == nil {
			return nil, regpass.Hintf(regpass.Usagef("the sink %s is for a command that regpass runs", sink.Name),
				"use `regpass exec --to %s -- COMMAND`%s", sink.Name, forGood(sink))
		}
		if sink.Keychain && f.files == nil {
			return nil, regpass.Hintf(regpass.Usagef("the sink %s is for a login: it stays until the logout", sink.Name),
				"use `regpass login --to %s`, or the sink rattler", sink.Name)
		}
		if !slices.Contains(clients.Names(sinks), sink.Name) {
			sinks = append(sinks, sink)
		}
	}
	return sinks, nil
}

// forGood is the part of a hint that says how a sink's client asks without `regpass exec`; empty: it cannot.
func forGood(s envsync.Sink) string {
	for _, c := range setup.All {
		p, err := helper.Find(c.Name)
		if err == nil && c.Not == "" && slices.ContainsFunc(p.Programs, func(name string) bool {
			return slices.Contains(s.Programs, name)
		}) {
			return ", or `regpass helper install " + c.Name + "` for good"
		}
	}
	return ""
}

// used are the sinks of clients that the command is, or that the project uses, besides those that every run has.
func (f *sinkFlags) used(a *app) (sinks []envsync.Sink) {
	if f.command == nil {
		return nil
	}
	name := f.program()
	for _, s := range clients.All {
		uses := len(s.Uses) > 0 && (slices.Contains(s.Readers, name) || project.Has(a.env, s.Uses))
		runs := len(s.Runs) > 0 && clients.Runs(f.command, s.Runs)
		if !s.Default && (uses || runs) {
			sinks = append(sinks, s)
		}
	}
	return sinks
}

// check finds unknown names of sinks, and flags for sinks that are not written, so that no credential is made for them.
func (f *sinkFlags) check(a *app) error {
	sinks, err := f.sinks(a)
	if err != nil {
		return err
	}
	o := f.options()
	for _, c := range clients.All {
		flag := "--" + c.InPlace.Flag
		if _, changed := o.InPlace[c.Name]; !changed {
			if flag = "--wildcard"; !o.Wildcard || c.Name != "rattler" || slices.Contains(clients.Names(sinks), "keychain") {
				continue
			}
		}
		if !slices.Contains(clients.Names(sinks), c.Name) {
			return regpass.Hintf(regpass.Usagef("%s does nothing without the sink %s", flag, c.Name),
				"add %s to --to, or leave the flag out", c.Name)
		}
	}
	return nil
}

// checkNames refuses names of indexes that are on another origin in uv's files, if a sink that --to names would set
// uv's variables of that name; see checkIndexNames. By default none does.
func (f *sinkFlags) checkNames(a *app, refs []regpass.Ref, words ...string) error {
	sinks, err := f.sinks(a)
	if err != nil || len(f.to) == 0 || !slices.ContainsFunc(sinks, onlyVariables) {
		return err
	}
	return a.checkIndexNames(refs, words...)
}

// onlyVariables reports whether a sink is the one that sets the variables of uv's indexes.
func onlyVariables(s envsync.Sink) bool { return s.Default && s.File == "" }

// plan plans the files and variables for the leases. A sink that --to names must be able to carry all of them. A
// default sink carries the ones it can, and every lease must be carried by at least one sink.
func (f *sinkFlags) plan(a *app, s *session.Session, all []broker.Lease) (envsync.Plan, error) {
	sinks, err := f.sinks(a)
	if err != nil {
		return envsync.Plan{}, err
	}
	every := entriesOf(all)
	sinks, asks := f.withKeyring(sinks, every)
	var whole envsync.Plan
	carried, left := make([]bool, len(all)), make([]leftOut, len(all))
	var refused []error
	var asked []envsync.Entry
	for _, sink := range sinks {
		var entries []envsync.Entry
		for i, l := range all {
			mine, err := f.entries(a, sink, l, every)
			switch {
			case asks && sink.Name == "netrc" && beyondNetrc(err):
				whole.Notes = append(whole.Notes, fmt.Sprintf("%v; pip, uv and pdm ask `keyring` for it", oneLine([]error{err})))
			case errors.Is(err, envsync.ErrPorts) && !asks:
				whole.Warnings = append(whole.Warnings, envsync.LeftOut(err))
			}
			refused = append(refused, err)
			carried[i] = carried[i] || len(mine) > 0
			if len(mine) > 0 || !errors.Is(err, envsync.ErrNotTheirs) && f.missedIn(a, sink) {
				left[i].note(sink, mine, err)
			}
			entries = append(entries, mine...)
		}
		if len(entries) == 0 {
			continue
		}
		o := f.options()
		o.Sinks = clients.Names(sinks)
		o.Expands = slices.ContainsFunc(sinks, func(s envsync.Sink) bool { return s.Expands })
		if sink.Named {
			o.Names = project.Names(a.env)
		}
		p, err := sink.Plan(a.env, s.Files(), entries, o)
		if err != nil && len(f.to) == 0 && !sink.Default { // its client may be no part of what runs
			whole.Warnings = append(whole.Warnings, sink.Name+" is not set up: "+oneLine([]error{err}))
			continue
		}
		if err != nil {
			return envsync.Plan{}, err
		}
		if len(f.to) > 0 && setsNothing(p) {
			p.Warnings = append(p.Warnings, sink.Name+": nothing is set: "+notNamed(entries))
		}
		whole.Changes = append(whole.Changes, p.Changes...)
		whole.Vars = append(whole.Vars, p.Vars...)
		whole.Items = append(whole.Items, p.Items...)
		whole.Warnings = append(whole.Warnings, p.Warnings...)
		whole.Notes = append(whole.Notes, p.Notes...)
		if len(sink.Programs) > 0 {
			asked = append(asked, entries...)
			whole.Programs = append(whole.Programs, sink.Programs...)
			whole.Links = append(whole.Links, p.Links...)
		}
	}
	f.planPrograms(a, s, &whole, asked)
	if i := slices.Index(carried, false); i >= 0 {
		err := fmt.Errorf("no sink can carry the credential for %s: %w", all[i].Target.Ref, errors.Join(refused...))
		return envsync.Plan{}, regpass.Hintf(err, "name one with --to, or use `regpass token %s`",
			all[i].Target.Ref.Args())
	}
	for i, l := range all {
		left[i].tell(&whole, l)
	}
	return whole, nil
}

// setsNothing reports whether a sink that knows registries by their names in the project's files knows none of them.
func setsNothing(p envsync.Plan) bool {
	return len(p.Vars)+len(p.Changes)+len(p.Items)+len(p.Programs) == 0
}

// notNamed is why a sink sets nothing for the entries.
func notNamed(entries []envsync.Entry) string {
	var refs []string
	for _, e := range entries {
		refs = append(refs, e.Ref.String())
	}
	return "no file of the client's here names " + listed(regpass.Unique(refs, strings.Clone))
}

// entriesOf are the leases' credentials, one for each host.
func entriesOf(all []broker.Lease) (entries []envsync.Entry) {
	for _, l := range all {
		for _, cred := range l.Cred.PerHost() {
			entries = append(entries, envsync.Entry{Ref: l.Target.Ref, Cred: cred})
		}
	}
	return entries
}

// beyondNetrc reports whether a netrc cannot carry a credential for want of ports and paths, which keyring is told.
func beyondNetrc(err error) bool {
	return errors.Is(err, envsync.ErrPorts) || errors.Is(err, envsync.ErrShared)
}

// withKeyring adds the sink keyring to the default ones of a command, if a netrc cannot tell the credentials apart.
func (f *sinkFlags) withKeyring(sinks []envsync.Sink, all []envsync.Entry) (_ []envsync.Sink, asks bool) {
	netrc, err := clients.Find("netrc")
	keyring, kerr := clients.Find("keyring")
	if len(f.to) > 0 || f.command == nil || err != nil || kerr != nil {
		return sinks, false
	}
	for _, e := range all {
		if beyondNetrc(netrc.Carries(e)) || netrc.Format.CheckShared(e, all) != nil {
			return append(sinks, keyring), true
		}
	}
	return sinks, false
}

// missedIn reports whether somebody misses a credential that the sink cannot carry: its client is the command, or may
// be run by it. The project's files alone do not say that its client will ask for the registry, but they say that
// Python's clients will not, if they are those of other clients only. A container build may run any.
func (f *sinkFlags) missedIn(a *app, sink envsync.Sink) bool {
	name := f.program()
	switch {
	case len(f.to) > 0 || slices.Contains(sink.Readers, name):
		return true
	case !sink.Default:
		return false
	case f.command == nil:
		return true
	}
	for _, s := range clients.All {
		if s.Name != "docker" && slices.Contains(s.Readers, name) {
			return false
		}
	}
	others := slices.ContainsFunc(f.used(a), func(s envsync.Sink) bool { return s.Name != "docker" })
	return !others || project.Has(a.env, clients.Python)
}

// program is the name of the command that gets the credentials, or empty.
func (f *sinkFlags) program() string {
	if len(f.command) == 0 {
		return ""
	}
	return strings.TrimSuffix(filepath.Base(f.command[0]), ".exe")
}

// planPrograms adds to a plan what its programs need: the file that they read, and their folder on PATH.
func (f *sinkFlags) planPrograms(a *app, s *session.Session, whole *envsync.Plan, asked []envsync.Entry) {
	if len(whole.Programs) == 0 {
		return
	}
	change, file := ask.Change(s.Files(), asked)
	whole.Changes = append(whole.Changes, change)
	path := filepath.Join(s.Files(), envsync.BinName)
	if was := a.env.Getenv("PATH"); was != "" {
		path += string(filepath.ListSeparator) + was
	}
	whole.Vars = append(whole.Vars, file, envsync.Var{Name: "PATH", Plain: path})
}

// entries returns the lease's credentials that a sink is given, one for each host. The error says which of them a
// default sink cannot carry. A sink that --to names is given all of them, and refuses them itself.
func (f *sinkFlags) entries(a *app, sink envsync.Sink, l broker.Lease, all []envsync.Entry) ([]envsync.Entry, error) {
	var entries []envsync.Entry
	var refused []error
	for _, cred := range l.Cred.PerHost() {
		e := envsync.Entry{Ref: l.Target.Ref, Cred: cred, ClientVar: l.Target.Row.ClientVar,
			Images: l.Target.Row.Images || l.Target.Row.Name == registry.Static}
		if len(f.to) == 0 && !l.Target.Row.Match(a.env, l.Target.Ref) {
			e.ClientVar = "" // the client would send it to its own servers, wherever the project names one of them
		}
		if len(f.to) == 0 && onlyVariables(sink) && namesIndex(e) {
			if e.ClientVar == "" && uvCarries(e) {
				continue
			}
			e.Ref.Options = maps.Clone(e.Ref.Options)
			delete(e.Ref.Options, "name") // uv sends its variables to the URL that the project gives the index
		}
		err := sink.Carries(e)
		if shared := sink.Format.CheckShared(e, all); err == nil && shared != nil && f.command != nil {
			err = fmt.Errorf("%s: %w", sink.Name, shared)
		}
		if err != nil && len(f.to) == 0 {
			refused = append(refused, err)
			continue
		}
		entries = append(entries, e)
	}
	return entries, errors.Join(refused...)
}

// uvCarries reports whether uv gets the credential in a file, where it is bound to its host.
func uvCarries(e envsync.Entry) bool {
	sink, err := clients.Find("uv")
	return err == nil && sink.Carries(e) == nil
}

func namesIndex(e envsync.Entry) bool {
	_, named := e.Ref.Options["name"]
	return named
}
