package cli

import (
	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/buildkit/secret"
	"github.com/regpass/regpass/buildtool"
)

// secretFiles works out the files below dir that hold the secrets of a container build.
func secretFiles(dir string, all []broker.Lease) (files []buildtool.File, warnings []string, err error) {
	var sources []secret.Source
	var creds []regpass.Credential
	for _, l := range all {
		sources = append(sources, secret.Source{Ref: l.Target.Ref, Registry: l.Target.Row.Name, Key: l.Key,
			Hosts: append([]string{l.Cred.Host}, l.Cred.MoreHosts...), ClientVar: l.Target.Row.ClientVar})
		creds = append(creds, l.Cred)
	}
	filled, warnings, err := secret.Fill(sources, creds)
	return buildtool.Files(dir, filled), warnings, err
}
