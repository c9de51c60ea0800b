// Package envsync answers "how does a client find it?": it works out the files and variables in which package clients
// look for a credential. All of it is pure; package session writes the files and undoes them.
package envsync

import (
	"strings"

	"github.com/regpass/regpass"
)

// Entry is one credential to hand over.
type Entry struct {
	Ref       regpass.Ref // Options["name"]: the index name, if it has one
	Cred      regpass.Credential
	ClientVar string // variable of the registry's own client, or ""
}

// Var is a variable that a child process or a later step should have. Exactly one of Secret and Plain is set.
type Var struct {
	Name   string
	Secret regpass.Secret
	Plain  string
}

// Options are what a person can choose.
type Options struct {
	NetrcFile   string // netrc: change this file in place instead of making a private one
	RattlerHome bool   // rattler: change ~/.rattler/credentials.json in place instead of making a private file
	Wildcard    bool   // rattler: also hand the credential to the subdomains of its host
}

// Change is one file to write.
type Change struct {
	Path    string // absolute
	Own     bool   // made by us alone: removed whole at the end
	Format  string // name in Formats
	Entries []Entry
	Base    []byte // Own only: what the file holds besides Entries, taken from the file it stands in for; nil: nothing
}

// Plan is what a sink would do. Nothing of it has been done; every Change is known to work on what stands there now.
type Plan struct {
	Vars     []Var
	Changes  []Change
	Warnings []string // what a client will not do with this, one line each, never a secret
}

// Sink is one kind of client.
type Sink struct {
	Name, Doc string
	// Plan works out what to write. dir is the absolute folder for our own files. It may read the files that the
	// client uses now, up to 1 MiB each, and writes nothing. A credential that the client cannot carry is an error.
	Plan func(env *regpass.Env, dir string, entries []Entry, o Options) (Plan, error)
}

// Sinks are the clients, in the order to show them.
var Sinks = []Sink{
	{"env", "variables: the registry's own, UV_INDEX_<NAME>_USERNAME and _PASSWORD for a named index, AWS_* for s3, else REGPASS_TOKEN", planEnv},
	{"netrc", "NETRC and a private netrc: pip, uv, requests, pixi, and curl with --netrc-file \"$NETRC\"", planNetrc},
	{"rattler", "RATTLER_AUTH_FILE and a private file: pixi, rattler-build, py-rattler", planRattler},
	{"uv", "UV_CREDENTIALS_DIR and a private credentials.toml: uv, with bearer tokens too", planUV},
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

// Formats are the file formats that a Change can name.
var Formats = []Format{
	{"netrc", setNetrc, restoreNetrc, netrcKeys},
	{"netrc-private", setPrivateNetrc, restoreNetrc, netrcKeys},
	{"rattler", rattlerExact.set, restoreRattler, rattlerExact.keys},
	{"rattler-wildcard", rattlerWildcard.set, restoreRattler, rattlerWildcard.keys},
	{"uv", setUV, restoreUV, uvKeys},
	{"raw", setRaw, restoreRaw, rawKeys},
}

// FindSink returns the sink of that name. The error is regpass.ErrUsage and lists the names.
func FindSink(name string) (Sink, error) {
	var names []string
	for _, s := range Sinks {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Sink{}, regpass.Usagef("there is no sink %s; there are %s", regpass.Quote(name), strings.Join(names, ", "))
}

// FindFormat returns the format of that name. The error is regpass.ErrUsage.
func FindFormat(name string) (Format, error) {
	for _, f := range Formats {
		if f.Name == name {
			return f, nil
		}
	}
	return Format{}, regpass.Usagef("there is no file format %s", regpass.Quote(name))
}
