// Package envsync answers "how does a client find it?": it works out the files and variables in which package clients
// look for a credential. All of it is pure; package session writes the files and undoes them.
//
// Here are the words that the file formats share. Each format is a room below; envsync/clients is the table of all.
package envsync

import (
	"path"
	"path/filepath"

	"github.com/regpass/regpass"
)

// Sink is one kind of package client, and all there is to know about it: the verbs, the GitHub Action and container
// builds work out theirs from here.
type Sink struct {
	Name string // by which --to and the input to name it
	Doc  string // one line of help

	Var         string   // variable that points the clients at File, or at its folder; empty where there is no file
	File        string   // slash path of the private file, below the session's own; empty: the sink sets variables only
	PointsAtDir bool     // Var names the folder of the file, since its readers write a lock beside it
	Format      Format   // of the private file
	Variants    []Format // the other formats that Prepare chooses from; a session's journal knows all of them by name

	Default bool    // meant where no sink is named
	Build   Mount   // the same file as a secret of a container build; zero: there is none
	Output  string  // of the GitHub Action, which repeats Var for jobs that export no variables; or ""
	InPlace InPlace // how the user's own file is changed instead; zero: it never is

	// Prepare works out what to write. It may read the files that the clients use now, up to 1 MiB each, and writes
	// nothing. A credential that the clients cannot carry is an error.
	Prepare func(env *regpass.Env, own Private, entries []Entry, o Options) (Plan, error)
}

// Mount is how a step of a container build is shown the file of a sink. Where the variable points at the folder, that
// must be a tmpfs, or the lock would stay in the layer; so no client finds such a file by itself.
type Mount struct {
	ID     string // [A-Za-z0-9_.-]
	Target string // absolute slash path in the step
}

// InPlace is how a person asks for a change of their own file.
type InPlace struct {
	Flag      string // of `login`, without dashes
	Doc       string // one line of help
	TakesFile bool   // the flag's value names the file; otherwise it is the one that the clients read
}

// Private is where a private file of ours goes.
type Private struct {
	Path   string // absolute
	Var    Var    // points the clients at it
	Format Format
}

// Plan works out what to write for the entries. dir is the absolute folder for our own files. Nothing is written, and
// a credential that the clients cannot carry is an error.
func (s Sink) Plan(env *regpass.Env, dir string, entries []Entry, o Options) (Plan, error) {
	own := Private{Format: s.Format}
	if s.File != "" {
		own.Path = filepath.Join(dir, filepath.FromSlash(s.File))
		own.Var = Var{Name: s.Var, Plain: own.Path}
		if s.PointsAtDir {
			own.Var.Plain = filepath.Dir(own.Path)
		}
	}
	return s.Prepare(env, own, entries, o)
}

// Carries reports why the sink's clients cannot take the credential at all, or nil. What else stands in their files
// does not matter here. Variables carry anything.
func (s Sink) Carries(e Entry) error {
	if s.File == "" {
		return nil
	}
	_, err := s.Format.Set(nil, []Entry{e})
	return err
}

// MountDir is the folder that a step of a build must mount as a tmpfs for the file, or "".
func (s Sink) MountDir() string {
	if !s.PointsAtDir {
		return ""
	}
	return path.Dir(s.Build.Target)
}

// Options are what a person can choose.
type Options struct {
	// InPlace holds, by name, the sinks that change a file of the user's instead of making a private one, with the
	// path of that file; empty: the one that the clients read.
	InPlace  map[string]string
	Wildcard bool // rattler: also hand the credential to the subdomains of its host
}

// Plan is what a sink would do. Nothing of it has been done; every Change is known to work on what stands there now.
type Plan struct {
	Vars     []Var
	Changes  []Change
	Warnings []string // what a client will not do with this, one line each, never a secret
}

// Change is one file to write.
type Change struct {
	Path    string // absolute
	Private bool   // a file in the session's folder, removed whole at logout
	Format  Format
	Entries []Entry
	Base    []byte // Private only: what the file holds besides Entries, taken from the file it stands in for; nil: nothing
}

// Plan is the plan that writes the private file and points the clients at it.
func (p Private) Plan(entries []Entry, base []byte, warnings []string) Plan {
	return Plan{
		Vars:     []Var{p.Var},
		Changes:  []Change{{Path: p.Path, Private: true, Format: p.Format, Entries: entries, Base: base}},
		Warnings: warnings,
	}
}

// Format edits one file format. All its functions are pure. Set refuses what the format or one of its readers cannot
// carry; a file that is not well-formed is an error too.
type Format struct {
	Name string
	// Set returns old (nil: no file) with the entries in it and every byte outside of them as it was. Setting again
	// changes nothing.
	Set func(old []byte, entries []Entry) ([]byte, error)
	// Restore takes our keys out of now, which others have changed since, and puts back what before (nil: no file)
	// had under them. If now is what Set makes of before, it returns before. It returns nil where no file is to remain.
	Restore func(now, before []byte, keys []string) ([]byte, error)
	// Keys names what Set writes for the entries.
	Keys func(entries []Entry) []string
}
