package cli

import (
	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/buildkit/secret"
)

// buildSources lists the registries of a build. Nothing is minted yet, but live knows the keys and credentials that are
// here from now on.
func buildSources(live *broker.Live, refs []regpass.Ref) ([]secret.Source, error) {
	var all []secret.Source
	for _, ref := range refs {
		t, method, err := live.Open(ref)
		if err != nil {
			return nil, err
		}
		all = append(all, secret.Source{
			Hosts: t.Hosts, Ref: t.Ref, Registry: t.Row.Name, ClientVar: t.Row.ClientVar,
			Key: t.Row.Name + " " + t.Receiver.String() + " " + t.ScopeFor(method),
		})
	}
	return all, nil
}
