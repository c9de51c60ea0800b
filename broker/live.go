package broker

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/registry"
	"github.com/regpass/regpass/session"
)

// Live gets credentials for a build while it runs, and knows all of them. Only who gets or ends a credential waits for
// the network: what is known can be asked for at any time, by any goroutine.
type Live struct {
	broker  *Broker
	earlier bool // the session had credentials

	turn sync.Mutex // held while a credential is got or ended, one at a time; guards broker

	mu     sync.Mutex // guards what follows; never held while anything is waited for
	known  map[string]origin
	failed error // why the last credential that was asked for could not be had
}

// origin is where a secret comes from that must not show up anywhere in a build.
type origin struct {
	id, host string
	lease    session.Lease // what can be revoked; zero for a key or a token of the user's
}

// Live returns a Live that knows every credential in the session. The broker must have a session, and only the Live
// may use the broker from then on.
func (b *Broker) Live() (*Live, error) {
	leases, err := b.session.Leases()
	if err != nil {
		return nil, err
	}
	l := &Live{broker: b, earlier: len(leases) > 0, known: map[string]origin{}}
	for _, kept := range leases {
		b.env.Mask(kept.Cred.Secret, kept.Cred.SessionToken, kept.Cred.Refresh)
		l.track("session", kept)
	}
	return l, nil
}

// Earlier reports whether the session had credentials already when the Live was made.
func (l *Live) Earlier() bool { return l.earlier }

// Open works out what ref names, and knows from now on the key that would be shown for it. Nothing is minted.
func (l *Live) Open(ref regpass.Ref) (registry.Target, regpass.Method, error) {
	target, err := registry.Open(l.broker.env, ref)
	if err != nil {
		return registry.Target{}, "", err
	}
	f, err := l.broker.find(target)
	if errors.Is(err, ErrNoKey) {
		return target, "", nil // a step that asks for it is told so
	}
	if err == nil && !f.proof.Secret.Empty() {
		l.remember(f.proof.Secret, origin{id: f.proof.From, host: ref.Host})
	}
	method := f.proof.Method
	if f.kept {
		method = f.lease.Method
	}
	return target, method, err
}

// Credential gets the credential for ref.
func (l *Live) Credential(ctx context.Context, ref regpass.Ref) (regpass.Credential, error) {
	l.turn.Lock()
	defer l.turn.Unlock()
	if err := ctx.Err(); err != nil { // it was called off while another had its turn
		return regpass.Credential{}, err
	}
	lease, err := l.broker.Credential(ctx, ref)
	if err != nil {
		return regpass.Credential{}, err
	}
	l.track(ref.String(), lease.Lease)
	return lease.Cred, nil
}

// track remembers a credential by each of its parts.
func (l *Live) track(id string, lease session.Lease) {
	if !lease.Revocable {
		id = lease.From // which says better what must be replaced
	}
	for _, s := range []regpass.Secret{lease.Cred.Secret, lease.Cred.SessionToken, lease.Cred.Refresh} {
		if !s.Empty() {
			l.remember(s, origin{id: id, host: lease.Cred.Host, lease: lease})
		}
	}
}

func (l *Live) remember(s regpass.Secret, o origin) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known[s.Fingerprint()] = o
}

func (l *Live) lookup(fingerprint string) (o origin, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o, ok = l.known[fingerprint]
	return o, ok
}

// Fresh reports whether a credential is worth handing out: by the moment when it was minted, which may be long ago, and
// by what the session says now: another build of the job may have seen it leak and ended it.
func (l *Live) Fresh(c regpass.Credential) bool {
	o, _ := l.lookup(c.Secret.Fingerprint())
	leases, _ := l.broker.session.Leases() // one that cannot be read says nothing else
	for _, kept := range leases {
		switch {
		case kept.Key != o.lease.Key:
		case kept.Cred.Secret.Fingerprint() != c.Secret.Fingerprint():
			return false // somebody got another in its place
		default:
			c.Expires = kept.Cred.Expires
		}
	}
	return c.Fresh(l.broker.env.Now(), o.lease.Minted, l.broker.options.MinLifetime)
}

// Identify says what to call a secret by its fingerprint. ours is false for the user's other secrets, which are not
// ours to judge.
func (l *Live) Identify(fingerprint string) (id, host string, ours bool) {
	o, ours := l.lookup(fingerprint)
	return o.id, o.host, ours
}

// Fail hears why a credential could not be had. The build only gets to know that.
func (l *Live) Fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = err
}

// Reason is how a build ended: if a credential that a step asked for could not be had, that is why it failed. In a
// build that went on without, it is a warning.
func (l *Live) Reason(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.failed == nil || errors.Is(err, regpass.ErrFound):
		return err
	case err == nil:
		l.broker.report.Warn(fmt.Errorf("a credential could not be had, and the build went on without: %w", l.failed))
		return nil
	}
	return fmt.Errorf("%w: %w", err, l.failed)
}

// Revoke ends the credentials that leaked, by their fingerprints, and makes later steps mint new ones.
func (l *Live) Revoke(ctx context.Context, fingerprints []string) {
	l.turn.Lock() // a step may still be asking while the build is called off
	defer l.turn.Unlock()
	b := l.broker
	done := map[string]bool{}
	for _, fingerprint := range fingerprints {
		o, _ := l.lookup(fingerprint)
		switch {
		case done[fingerprint]:
		case !o.lease.Revocable:
			b.report.Warn(fmt.Errorf("%s leaked, and it is yours: replace it at %s", o.id, o.host))
		default:
			b.RevokeNow(ctx, o.lease)
			b.report.Note(fmt.Sprintf("%s: the credential that leaked is revoked", o.host))
			o.lease.Cred.Expires = b.env.Now()
			if err := b.session.Keep(o.lease); err != nil {
				b.report.Warn(err)
			}
		}
		done[fingerprint] = true
	}
}
