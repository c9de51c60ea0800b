package cli

import (
	"context"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/buildkit/leak"
	"github.com/regpass/regpass/buildkit/secret"
	"github.com/regpass/regpass/envsync"
)

// buildSources are the registries of a build. Nothing is minted yet, but the keys and credentials that are here are
// known from now on.
func buildSources(live *broker.Live, refs []regpass.Ref) ([]secret.Source, error) {
	var all []secret.Source
	for _, ref := range refs {
		t, method, err := live.Open(ref)
		if err != nil {
			return nil, err
		}
		all = append(all, secret.Source{
			Hosts: t.Hosts, Ref: ref, Registry: t.Row.Name, ClientVar: t.Row.ClientVar,
			Key:   t.Row.Name + " " + t.Receiver.String() + " " + t.ScopeFor(method),
			Mint:  func(ctx context.Context) (regpass.Credential, error) { return live.Credential(ctx, ref) },
			Fresh: live.Fresh,
		})
	}
	return all, nil
}

// fingerprints are those of the secrets that leaked.
func fingerprints(leaks []leak.Leak) []string {
	var all []string
	for _, l := range leaks {
		all = append(all, l.Fingerprint)
	}
	return all
}

// renders makes the files that package clients read.
var renders = secret.Render{Netrc: render("netrc-private"), Rattler: render("rattler"), UV: render("uv")}

func render(format string) func([]regpass.Credential, []secret.Source) ([]byte, error) {
	return func(creds []regpass.Credential, sources []secret.Source) ([]byte, error) {
		f, err := envsync.FindFormat(format)
		if err != nil {
			return nil, err
		}
		var entries []envsync.Entry
		for i, c := range creds {
			entries = append(entries, envsync.Entry{Ref: sources[i].Ref, Cred: c, ClientVar: sources[i].ClientVar})
		}
		return f.Set(nil, entries)
	}
}
