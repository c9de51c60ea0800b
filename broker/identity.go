package broker

import (
	"context"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/registry"
)

// job is the CI job as the registry sees it: it makes identities for one receiver.
type job struct {
	broker   *Broker
	provider identity.Provider
	receiver string // the one origin that these identities are shown to
	last     string // fingerprint of the identity token that was handed out last
}

// Identity is registry.Identities.
func (j *job) Identity(ctx context.Context, audience string) (regpass.Identity, error) {
	id, err := j.provider.Get(ctx, j.broker.env, audience)
	if err != nil {
		return regpass.Identity{}, err
	}
	if err := j.broker.showOnce(id, j.receiver); err != nil {
		return regpass.Identity{}, err
	}
	j.last = id.Token.Fingerprint()
	return id, nil
}

// showOnce keeps one identity token from being shown to two receivers, in this run or in an earlier step: either could
// use it at the other.
func (b *Broker) showOnce(id regpass.Identity, receiver string) error {
	token := id.Token.Fingerprint()
	before := b.shown[token]
	if b.session != nil {
		all, err := b.session.Leases()
		if err != nil {
			return err
		}
		for _, l := range all {
			if l.IdentityFingerprint == token {
				before = l.Receiver
			}
		}
	}
	if before != "" && before != receiver {
		err := regpass.NoIdentityf("the identity from %s was shown to %s and is not shown to %s too",
			id.Provider, before, receiver)
		return regpass.Hintf(err, "give each registry an identity token of its own, for an audience of its own")
	}
	b.shown[token] = receiver
	return nil
}

// fingerprint is that of the identity token which a proof has shown last, or empty.
func fingerprint(p registry.Proof) string {
	if j, ok := p.Identities.(*job); ok {
		return j.last
	}
	return ""
}
