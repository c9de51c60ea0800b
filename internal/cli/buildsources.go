package cli

import (
	"context"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/buildkit/leak"
	"github.com/regpass/regpass/buildkit/secret"
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
