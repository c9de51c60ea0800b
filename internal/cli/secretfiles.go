package cli

import (
	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/secret"
	"github.com/regpass/regpass/buildtool"
)

// secretFiles works out the files below dir that hold the secrets of a container build.
func secretFiles(dir string, all []held) (files []buildtool.File, warnings []string, err error) {
	var sources []secret.Source
	var creds []regpass.Credential
	for _, h := range all {
		sources = append(sources, secret.Source{
			Ref: h.ref, Registry: h.row.Name, Key: h.login.Key, Hosts: []string{h.login.Cred.Host}, ClientVar: h.row.ClientVar})
		creds = append(creds, h.login.Cred)
	}
	filled, warnings, err := secret.Fill(sources, creds)
	return buildtool.Files(dir, filled), warnings, err
}
