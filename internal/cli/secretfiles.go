package cli

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/buildkit/secret"
	"github.com/regpass/regpass/envsync"
)

// secretsFolder is where below the session's own files those for builds are, so that one folder can be allowed to a
// build as a whole.
const secretsFolder = "secrets"

// secretFile is a secret of a container build as a file, which build programs read anew for each step.
type secretFile struct {
	secret.Secret
	change envsync.Change
}

// notInFileName is what an id may hold that some file system or command line does not take.
var notInFileName = regpass.Pattern(`[^A-Za-z0-9_.-]`)

// secretFiles works out the files below dir that hold what a build may ask for. What the credentials have no form for
// is left out; for what a step could have mounted, a warning says so.
func (a *app) secretFiles(dir string, all []broker.Lease) (files []secretFile, warnings []string, err error) {
	var sources []secret.Source
	for _, l := range all {
		sources = append(sources, secret.Source{
			Ref: l.Target.Ref, Registry: l.Target.Row.Name, Key: l.Key, Hosts: append([]string{l.Cred.Host}, l.Cred.MoreHosts...),
			ClientVar: l.Target.Row.ClientVar,
			Mint:      func(context.Context) (regpass.Credential, error) { return l.Cred, nil },
			Fresh:     func(regpass.Credential) bool { return true }, // whoever calls keeps it so
		})
	}
	store, err := secret.NewStore(a.env, sources, nil, renders, secret.Options{})
	if err != nil {
		return nil, nil, err
	}
	warnings = store.Warnings()
	for _, s := range store.All() {
		value, err := store.GetSecret(context.Background(), s.ID) // which waits for nothing, since all is minted
		if err != nil {
			if s.Use == secret.ForClient {
				warnings = append(warnings, fmt.Sprintf("there is no secret %s: %v", s.ID, err))
			}
			continue
		}
		path := filepath.Join(dir, secretsFolder, notInFileName().ReplaceAllString(s.ID, "_"))
		files = append(files, secretFile{s, envsync.Change{Path: path, Own: true, Format: "raw",
			Entries: []envsync.Entry{{Cred: regpass.Credential{Secret: regpass.NewSecret(string(value))}}}}})
	}
	return files, warnings, nil
}

// value is what the file holds.
func (f secretFile) value() regpass.Secret { return f.change.Entries[0].Cred.Secret }

// changes are what to write for the files.
func changes(files []secretFile) []envsync.Change {
	var all []envsync.Change
	for _, f := range files {
		all = append(all, f.change)
	}
	return all
}
