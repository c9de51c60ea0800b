package cli

import (
	"context"
	"fmt"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/secret"
	"github.com/regpass/regpass/buildtool"
)

// secretFiles works out the files below dir that hold what a build may ask for. What the credentials have no form for
// is left out; for what a step could have mounted, a warning says so.
func (a *app) secretFiles(dir string, all []held) (files []buildtool.File, warnings []string, err error) {
	var sources []secret.Source
	for _, h := range all {
		sources = append(sources, secret.Source{
			Ref: h.ref, Registry: h.row.Name, Key: h.login.Key, Hosts: []string{h.login.Cred.Host}, ClientVar: h.row.ClientVar,
			Mint:  func(context.Context) (regpass.Credential, error) { return h.login.Cred, nil },
			Fresh: func(regpass.Credential) bool { return true }, // whoever calls keeps it so
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
		files = append(files, buildtool.NewFile(dir, s, regpass.NewSecret(string(value))))
	}
	return files, warnings, nil
}
