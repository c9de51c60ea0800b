// Package ask answers "what do our own helpers answer?". It is the private file in which the helpers of package helper
// find the credentials of a command or a login, in JSON: regpass writes it and nobody else reads it.
package ask

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// Var names the file to the helpers.
const Var = "REGPASS_HELPERS"

// File is the slash path of the file in the session's folder of files. Every sink whose clients ask shares it.
const File = "helpers.json"

// Format is the file's format.
var Format = envsync.Format{Name: "helpers", Set: set, Keys: keys}

// known is one entry of the file. Its registry, with Trusted, lets a helper get the next credential.
type known struct {
	Registry         string // regpass.Ref.Text
	Origin           string
	Trusted, Vouched bool
	Row              string // regpass.Credential.Registry
	Host             string
	Kind             regpass.Kind
	Username, Secret string
	Expires          time.Time
}

// keys are the keys of entries in the file: the registry, and the host that takes its credential.
func keys(entries []envsync.Entry) []string {
	var all []string
	for _, e := range entries {
		all = append(all, key(e))
	}
	return all
}

func key(e envsync.Entry) string { return e.Ref.String() + " " + e.Cred.Host }

func set(old []byte, entries []envsync.Entry) ([]byte, error) {
	all := map[string]known{}
	if old != nil {
		if err := json.Unmarshal(old, &all); err != nil {
			return nil, errors.New("helpers: the file is malformed")
		}
	}
	for _, e := range entries {
		c := e.Cred
		switch {
		case c.Kind == regpass.S3:
			err := fmt.Errorf("helpers: %s: no client asks for keys of s3", e.Ref)
			return nil, regpass.Hintf(err, "other sinks: env, rattler")
		case c.Secret.Empty():
			return nil, fmt.Errorf("helpers: the credential for %s is empty", c.Host)
		}
		if err := envsync.CheckPrintable(c.Secret.Reveal()); err != nil {
			return nil, fmt.Errorf("helpers: %s: the secret %w", e.Ref, err)
		}
		if err := envsync.CheckUserName(c.Username); err != nil {
			return nil, fmt.Errorf("helpers: %s: the user name %w", e.Ref, err)
		}
		all[key(e)] = known{
			Registry: e.Ref.Text(), Origin: e.Ref.Origin, Trusted: e.Ref.Trusted, Vouched: e.Ref.Vouched,
			Row: c.Registry, Host: c.Host, Kind: c.Kind, Username: c.Username, Secret: c.Secret.Reveal(), Expires: c.Expires,
		}
	}
	return json.MarshalIndent(all, "", "  ")
}

// Read lists the entries of a file, in the order of their keys.
func Read(file []byte) ([]envsync.Entry, error) {
	var all map[string]known
	if err := json.Unmarshal(file, &all); err != nil {
		return nil, errors.New("the file of the helpers is malformed")
	}
	var entries []envsync.Entry
	for _, k := range slices.Sorted(maps.Keys(all)) {
		one := all[k]
		ref, err := regpass.ParseRef(one.Registry)
		if err != nil {
			return nil, errors.New("the file of the helpers is malformed")
		}
		ref.Origin, ref.Trusted, ref.Vouched = one.Origin, one.Trusted, one.Vouched
		entries = append(entries, envsync.Entry{Ref: ref, Cred: regpass.Credential{
			Registry: one.Row, Host: one.Host, Kind: one.Kind, Username: one.Username,
			Secret: regpass.NewSecret(one.Secret), Expires: one.Expires,
		}})
	}
	return entries, nil
}

// Change writes the file, below dir, the folder of private files, and Var says where it is.
func Change(dir string, entries []envsync.Entry) (envsync.Change, envsync.Var) {
	path := filepath.Join(dir, File)
	return envsync.Change{Path: path, Private: true, Format: Format, Entries: entries}, envsync.Var{Name: Var, Plain: path}
}
