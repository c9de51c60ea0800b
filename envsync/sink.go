// Package envsync answers "how does a client find it?". It works out the files and variables in which package clients
// look for a credential. It writes nothing: package session writes the files and undoes the changes.
//
// This package holds the words that the file formats share. Each format has a package below, and envsync/clients has
// the table of all clients.
package envsync

import (
	"path"
	"path/filepath"

	"github.com/regpass/regpass"
)

// Sink is one way to hand credentials to package clients. The verbs, the GitHub Action and container builds read
// everything that they know about it from here.
type Sink struct {
	Name string // for --to and the input to
	Doc  string // one line of help

	Readers []string // the programs that find a credential here, for people; nil: no program of its own

	Var         string   // variable that names File or its folder; empty if there is no file
	File        string   // slash path of the private file in the session's folder of files; empty: only variables
	PointsAtDir bool     // Var names the folder of the file, since its readers write a lock beside it
	Format      Format   // of the private file, or of the one that Programs read
	Variants    []Format // the other formats that Prepare may choose; a session's journal names any of them

	Default bool // used if no sink is named
	Named   bool // Prepare needs Options.Names
	// Uses are patterns (path.Match) of files that show that a project uses the client: then it is a default too.
	Uses []string
	// Expands says that the client puts variables where files of the checkout say, as into the token of any host.
	Expands bool
	// Runs are a program and words behind it: for a command that is so, the sink is a default too.
	Runs []string
	// Programs are names of helpers, see package helper, that the client starts: links to our own program in a folder of
	// their own. Only a running command has them.
	Programs []string
	Build    Mount   // the same file as a secret of a container build; zero: there is none
	Output   string  // output of the GitHub Action that repeats Var, for jobs that export no variables; or ""
	Keychain bool    // it plans Plan.Items; only a login has it
	InPlace  InPlace // how to change the user's own file instead; zero: it is never changed

	// Refuses says why the client of a sink of variables cannot take a credential at all; nil: it takes each.
	Refuses func(e Entry) error

	// Prepare works out the plan. It may read the files that the clients use now, up to 1 MiB each, and it writes
	// nothing. A credential that the clients cannot carry is an error.
	Prepare func(env *regpass.Env, private Private, entries []Entry, o Options) (Plan, error)
}

// Mount is how a step of a container build sees the file of a sink. If the variable names the folder, the folder must
// be a tmpfs, or the lock would stay in the layer. So no client finds such a file on its own.
type Mount struct {
	ID     string // [A-Za-z0-9_.-]
	Target string // absolute slash path in the step
}

// InPlace is how a person asks for a change of their own file.
type InPlace struct {
	Flag      string // of `login`, without dashes
	Doc       string // one line of help
	TakesFile bool   // the flag's value names the file; otherwise it is the file that the clients read
}

// Private is a private file before its content is known.
type Private struct {
	Path   string // absolute
	Bin    string // absolute path of the folder of the sink's programs
	Var    Var    // names the file to the clients
	Format Format
}

// Plan works out what to write for the entries. dir is the absolute path of the folder for our private files. Plan
// writes nothing. A credential that the clients cannot carry is an error.
func (s Sink) Plan(env *regpass.Env, dir string, entries []Entry, o Options) (Plan, error) {
	private := Private{Format: s.Format, Bin: filepath.Join(dir, BinName)}
	if s.File != "" {
		private.Path = filepath.Join(dir, filepath.FromSlash(s.File))
		private.Var = Var{Name: s.Var, Plain: private.Path}
		if s.PointsAtDir {
			private.Var.Plain = filepath.Dir(private.Path)
		}
	}
	return s.Prepare(withoutOurs(env, private.Var), private, entries, o)
}

// withoutOurs hides a variable that names our own private file already, in a shell of an earlier login: clients are to
// find there what they find without us.
func withoutOurs(env *regpass.Env, ours Var) *regpass.Env {
	if ours.Plain == "" || env.Getenv(ours.Name) != ours.Plain {
		return env
	}
	hiding := *env
	hiding.Getenv = func(name string) string {
		if name == ours.Name {
			return ""
		}
		return env.Getenv(name)
	}
	return &hiding
}

// BinName is the name of the folder of programs among the private files.
const BinName = "bin"

// Carries returns why the sink's clients cannot take the credential at all, or nil. It does not look at their files.
// Variables carry every credential.
func (s Sink) Carries(e Entry) error {
	switch {
	case s.Refuses != nil:
		return s.Refuses(e)
	case s.Format.Set == nil:
		return nil
	}
	return s.Format.Carries(e)
}

// MountDir is the folder that a step of a build must mount as a tmpfs to hold the file, or "".
func (s Sink) MountDir() string {
	if !s.PointsAtDir {
		return ""
	}
	return path.Dir(s.Build.Target)
}

// Options are a person's choices.
type Options struct {
	// InPlace maps the names of sinks that change a file of the user's, instead of making a private one, to the path
	// of that file; empty: the file that the clients read.
	InPlace  map[string]string
	Sinks    []string        // the names of all sinks in use, for warnings of what a single one cannot do
	Expands  bool            // one of them is Sink.Expands
	Wildcard bool            // rattler: also give the credential to the subdomains of its host
	Command  []string        // the command that gets the variables; nil: a shell, or a later step
	Names    []regpass.Named // the registries that the project's files give a name, for sinks with Named
	ByChance bool            // the sinks are the default ones, so a variable is left out if two credentials would set it
}

// Plan is the work of a sink, not done yet. Every Change is known to fit the present content of its file.
type Plan struct {
	Vars     []Var
	Changes  []Change
	Programs []string // names to link to our own program in the folder BinName of the private files
	Links    []Link   // to the user's own files, beside a private one that takes the place of their neighbour
	Items    []Item   // for the person's keychain
	Warnings []string // cases in which a client will not use the credential, one line each, without secrets
	Notes    []string // what is left out because no client has a use for it, as Warnings
}

// Link is a symbolic link among the private files.
type Link struct{ Path, Target string } // absolute

// Change is one file to write.
type Change struct {
	Path    string // absolute
	Private bool   // a file in the session's folder, removed whole at logout
	Format  Format
	Entries []Entry
	Base    []byte // Private only: the content besides Entries, copied from the file that it replaces; nil: none
	ByHand  string // what to do where the file cannot be changed, for a hint; empty: there may be a private one
}

// Item is one secret of the person's keychain, of the service KeychainService.
type Item struct {
	Account string
	Secret  regpass.Secret
}

// KeychainService is the service under which rattler looks for credentials
// (rattler_networking/src/authentication_storage/backends/keyring.rs).
const KeychainService = "rattler"

// Plan is the plan that writes the private file and names it to the clients. own is the path of the user's file that it
// replaces, or empty.
func (p Private) Plan(entries []Entry, base []byte, own string, warnings []string) Plan {
	if p.Var.Own = own; own != "" && p.Var.Plain != p.Path {
		p.Var.Own = filepath.Dir(own)
	}
	return Plan{
		Vars:     []Var{p.Var},
		Changes:  []Change{{Path: p.Path, Private: true, Format: p.Format, Entries: entries, Base: base}},
		Warnings: warnings,
	}
}

// Format edits one file format. All its functions are pure. Set refuses a credential that the format or one of its
// readers cannot carry, and a file that is not well-formed.
type Format struct {
	Name    string
	NoPorts bool // it names hosts without ports; see Entry.CheckPorts
	Public  bool // it holds no secret: a file keeps its mode, and one that its owner may not write is left alone
	// Set returns old (nil: no file) with the entries in it. Every byte outside of them is unchanged. A second Set
	// changes nothing.
	Set func(old []byte, entries []Entry) ([]byte, error)
	// Restore removes our keys from now, which others may have changed, and puts back the values that they had in
	// before (nil: no file). If now is the result of Set on before, it returns before. Nil: the file must go.
	Restore func(now, before []byte, keys []string) ([]byte, error)
	// Keys lists the keys under which Set writes the entries.
	Keys func(entries []Entry) []string
}

// Carries returns why a file of the format cannot hold the credential, or nil.
func (f Format) Carries(e Entry) error {
	_, err := f.Set(nil, []Entry{e})
	return err
}
