package cli

import (
	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/buildkit/secret"
	"github.com/regpass/regpass/buildtool"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/session"
)

// handover is a plan of the sinks, and the files that hold the secrets of container builds.
type handover struct {
	envsync.Plan
	secrets []buildtool.File
}

// files returns the files to write besides the plan's changes.
func (h handover) files() []session.File { return buildtool.Written(h.secrets) }

// withSecrets adds to a plan the secrets of container builds, in files below dir.
func withSecrets(plan envsync.Plan, dir string, all []broker.Lease) (handover, error) {
	files, warnings, err := secretFiles(dir, all)
	plan.Warnings = append(plan.Warnings, warnings...)
	return handover{Plan: plan, secrets: files}, err
}

// secretFiles plans the files below dir that hold the secrets of a container build.
func secretFiles(dir string, all []broker.Lease) (files []buildtool.File, warnings []string, err error) {
	var sources []secret.Source
	var creds []regpass.Credential
	for _, l := range all {
		sources = append(sources, secret.Source{
			Ref: l.Target.Ref, Registry: l.Target.Row.Name, Key: l.Key,
			Hosts:     append([]string{l.Cred.Host}, l.Cred.MoreHosts...),
			ClientVar: l.Target.Row.ClientVar,
		})
		creds = append(creds, l.Cred)
	}
	filled, warnings, err := secret.Fill(sources, creds)
	return buildtool.Files(dir, filled), warnings, err
}
