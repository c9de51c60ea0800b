package broker

import (
	"cmp"
	"context"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/identity"
)

// job is the CI job as the registry sees it: it makes identities for one receiver.
type job struct {
	broker   *Broker
	provider identity.Provider
	receiver string // the one origin that these identities are shown to
}

// Identity is registry.Identities.
func (j *job) Identity(ctx context.Context, audience string) (regpass.Identity, error) {
	id, err := j.provider.Get(ctx, j.broker.env, audience)
	if err != nil {
		return regpass.Identity{}, err
	}
	if err := j.broker.showOnce(ctx, id, j.receiver); err != nil {
		return regpass.Identity{}, err
	}
	return id, nil
}

// showOnce keeps one identity token from being shown to two receivers, in this run, in an earlier step or by another
// process: either could use it at the other. It is recorded before the token is sent, so it does not matter whether the
// first receiver gives anything for it.
func (b *Broker) showOnce(ctx context.Context, id regpass.Identity, receiver string) (err error) {
	token := id.Token.Fingerprint()
	before := b.shown[token]
	if b.session == nil {
		b.shown[token] = cmp.Or(before, receiver)
	} else if before, err = b.session.Show(ctx, token, receiver, id.Claims.Expires); err != nil {
		return err
	}
	if before != "" && before != receiver {
		err := regpass.NoIdentityf("the identity from %s was shown to %s and is not shown to %s too",
			id.Provider, before, receiver)
		return regpass.Hintf(err, "give each registry an identity token of its own, for an audience of its own")
	}
	return nil
}
