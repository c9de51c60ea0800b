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

// Live gets credentials for a build while it runs, and knows all of them. Several goroutines may use it. Only
// Credential and Revoke wait for the network; the other methods answer at any time.
type Live struct {
	broker  *Broker
	earlier bool // the session had credentials

	turn sync.Mutex // held while a credential is got or ended; guards broker

	mu     sync.Mutex // guards the fields below; never held during a wait
	known  map[string]origin
	failed error // why the last credential could not be had
}

// origin is where a secret comes from. The secret must not show up anywhere in a build.
type origin struct {
	id, host string
	lease    session.Lease // zero for a key or a token of the user's
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
		b.env.Mask(kept.Cred.Secrets()...)
		l.track("session", kept)
	}
	return l, nil
}

// Earlier reports whether the session had credentials already when the Live was made.
func (l *Live) Earlier() bool { return l.earlier }

// Open returns the target of ref and the method by which it gets a credential. From now on the Live knows the key that
// would be shown for it. Nothing is minted.
func (l *Live) Open(ref regpass.Ref) (registry.Target, regpass.Method, error) {
	target, err := registry.Open(l.broker.env, ref)
	if err != nil {
		return registry.Target{}, "", err
	}
	f, err := l.broker.find(target)
	if errors.Is(err, ErrNoKey) {
		return target, "", nil // a step that asks gets the error
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
	if err := ctx.Err(); err != nil { // it was canceled while another had its turn
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
		id = lease.From // which names the secret to replace
	}
	for _, s := range lease.Cred.Secrets() {
		l.remember(s, origin{id: id, host: lease.Cred.Host, lease: lease})
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

// Fresh reports whether a credential is still worth handing out. It may have been minted long ago, and the session may
// have a newer one: another build of the job ends and replaces a credential that leaks.
func (l *Live) Fresh(c regpass.Credential) bool {
	o, _ := l.lookup(c.Secret.Fingerprint())
	leases, _ := l.broker.session.Leases() // a session that cannot be read changes nothing
	for _, kept := range leases {
		switch {
		case kept.Key != o.lease.Key:
		case kept.Cred.Secret.Fingerprint() != c.Secret.Fingerprint():
			return false // somebody got another in its place
		default:
			c.Expires = kept.Cred.Expires
		}
	}
	return c.Fresh(l.broker.env.Now(), o.lease.Minted, l.broker.options.Least)
}

// Identify names a secret by its fingerprint. ours is false for the user's other secrets: they may show up in a build.
func (l *Live) Identify(fingerprint string) (id, host string, ours bool) {
	o, ours := l.lookup(fingerprint)
	return o.id, o.host, ours
}

// Fail keeps the reason why a credential could not be had, for Reason. The build only sees that there was an error.
func (l *Live) Fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = err
}

// Reason returns the error of a build, joined by the reason why a credential could not be had. If the build succeeded
// without that credential, the reason becomes a warning.
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
	l.turn.Lock() // a step may still ask while the build is canceled
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
