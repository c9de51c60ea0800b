// Package broker answers "which proof, from where, for how long?": it walks the order of proofs, exchanges the first
// one that is there, keeps the credential in the session, renews it before it ends and revokes it.
package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/registry"
	"github.com/regpass/regpass/session"
)

// Options say how credentials are got. Flags, variables and the action's inputs fill them in.
type Options struct {
	Provider string        // name of the CI system that makes identities; empty: the first that is found
	Timeout  time.Duration // limit for getting one credential, retries included
	Least    regpass.Least // a credential with less than this left is replaced
	Given    Given         // a secret that the user hands over
	Browser  bool          // a person at the terminal may log in
	KeepAll  bool          // also keep credentials that were not minted
}

// Given is a secret that the user hands over for the registries that they name, rather than by a registry's variable.
type Given struct {
	From     string         // "--token-stdin", "the input api-key"; empty: nothing was given
	Secret   regpass.Secret // key, token or password
	Kind     regpass.Kind   // how it is presented; empty: the registry's default
	Username string         // for Basic; also goes with keys from variables
	NoUser   bool           // it, or a key from a variable, is a password without a user name
}

// Reporter shows notes and warnings to the user. Neither holds a secret.
type Reporter interface {
	Note(text string)
	Warn(err error)
}

// Broker gets credentials for one run of the program. Its methods are not for several goroutines at a time; Live is.
type Broker struct {
	env     *regpass.Env
	session *session.Session // nil: nothing is kept
	options Options
	report  Reporter
	shown   map[string]string // without a session: fingerprints of identity tokens, and the one receiver of each
	short   map[string]bool   // the sources of secrets that warnShort has warned of
	usedOn  map[string]bool   // fingerprints of credentials that inStead has warned of
	sentTo  map[string]place  // variables and flags whose secret is for one place, with that place
}

// New returns a Broker. s may be nil: then nothing is kept.
func New(env *regpass.Env, s *session.Session, o Options, report Reporter) *Broker {
	env.Mask(o.Given.Secret)
	return &Broker{env: env, session: s, options: o, report: report,
		shown: map[string]string{}, short: map[string]bool{}, usedOn: map[string]bool{},
		sentTo: map[string]place{}}
}

// Lease is a credential that we have, and what it is for.
type Lease struct {
	session.Lease
	Target    registry.Target
	Renewable bool // a fresh one can be had later without asking anybody
}

// forTarget has the credential name the hosts of the target: it may have been made for others that share its receiver
// and scope, and clients find a credential by its host.
func (l *Lease) forTarget() { l.Cred.Host, l.Cred.MoreHosts = l.Target.Hosts[0], l.Target.Hosts[1:] }

// Ends is the moment when the first of the leases ends; zero if none says.
func Ends(all []Lease) (first time.Time) {
	for _, l := range all {
		if end := l.Cred.Expires; !end.IsZero() && (first.IsZero() || end.Before(first)) {
			first = end
		}
	}
	return first
}

// Credential gets the credential for a registry: from the session while it is fresh, otherwise by an exchange that the
// session keeps. The user is told which proof was used.
func (b *Broker) Credential(ctx context.Context, ref regpass.Ref) (Lease, error) {
	target, err := registry.Open(b.env, ref)
	if err != nil {
		return Lease{}, err
	}
	found, err := b.find(target)
	if err != nil {
		return Lease{}, b.withType(ctx, target, err)
	}
	l := Lease{Lease: found.lease, Target: target, Renewable: true}
	if found.kept {
		l.forTarget()
		b.report.Note(fmt.Sprintf("%s: credential from the session, made with %s%s", ref.Host, l.From, b.goodFor(l.Cred)))
		return l, nil
	}
	if err := b.exchange(ctx, &l, found.proof); err != nil {
		return Lease{}, err
	}
	l.forTarget()
	b.report.Note(fmt.Sprintf("%s: %s credential by %s%s", l.Cred.Host, target.Row.Word(), l.From, b.goodFor(l.Cred)))
	return l, nil
}

// goodFor says how long a credential lasts, for people.
func (b *Broker) goodFor(c regpass.Credential) string {
	if c.Expires.IsZero() {
		return ""
	}
	return ", good for " + regpass.Short(c.Expires.Sub(b.env.Now()))
}

// exchange shows the proof. A minted credential goes through the session, so that of several processes one mints.
func (b *Broker) exchange(ctx context.Context, l *Lease, proof registry.Proof) (err error) {
	b.describe(l, proof)
	if err := b.onlyTo(l.Target, proof); err != nil {
		return err
	}
	b.warnShort(proof)
	if proof.Method != regpass.Browser { // a person has to act, so the login has its own, longer limit
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, b.options.Timeout)
		defer cancel()
	}
	if !l.Revocable || b.session == nil {
		l.Renewable = l.Revocable
		l.Minted = b.env.Now()
		l.Cred, err = l.Target.Exchange(ctx, b.env, proof)
		if err == nil && b.options.KeepAll && b.session != nil {
			err = b.session.Keep(l.Lease)
		}
		return err
	}
	blank := *l
	mint := func(ctx context.Context, stale *session.Lease) (session.Lease, error) {
		return b.mint(ctx, blank, proof, stale)
	}
	l.Lease, err = b.session.Mint(ctx, l.Key, b.options.Least, mint)
	if old, ok := b.inStead(err, l.Target, blank.Key); ok {
		l.Lease = old
		return nil
	}
	if err != nil && l.Revocable && !l.Cred.Secret.Empty() { // minted, but not kept where logout would find it
		b.RevokeNow(ctx, l.Lease)
	}
	return err
}

// leastLeft is how long a credential must last to be used because no new one can be had.
const leastLeft = 30 * time.Second

// inStead finds the credential that a new one was to replace, where that could not be had because something is down. A
// refusal is none of that: who was let in before may no longer be. Nor is a credential that another proof got taken for
// it: it may be another account's.
func (b *Broker) inStead(err error, t registry.Target, key string) (session.Lease, bool) {
	if err == nil || errors.Is(err, regpass.ErrRefused) || errors.Is(err, regpass.ErrUsage) ||
		errors.Is(err, context.Canceled) {
		return session.Lease{}, false
	}
	old, ok, storeErr := b.stored(t, func(l session.Lease) bool { return l.Key == key })
	if storeErr != nil || !ok || old.Cred.Expires.Sub(b.env.Now()) < leastLeft {
		return session.Lease{}, false
	}
	if token := old.Cred.Secret.Fingerprint(); !b.usedOn[token] {
		b.usedOn[token] = true
		b.report.Warn(fmt.Errorf("the credential for %s could not be replaced and is used on, until %s: %w",
			t.Ref, old.Cred.Expires.Format(time.TimeOnly), err))
	}
	return old, true
}

// warnShort warns, once a run, of a secret of the user's that is too short to be replaced in what is printed.
func (b *Broker) warnShort(proof registry.Proof) {
	if proof.Secret.Empty() || len(regpass.Derived(proof.Secret)) > 0 || b.short[proof.From] {
		return
	}
	b.short[proof.From] = true
	b.report.Warn(regpass.Hintf(fmt.Errorf("the %s from %s is so short that it is not replaced by *** in what is printed",
		proof.Method, proof.From), "use a longer one: it can be guessed, and a short word stands in harmless output too"))
}

// mint exchanges the proof for the credential of a lease that is described. stale is the one that it replaces, or nil.
func (b *Broker) mint(ctx context.Context, l Lease, proof registry.Proof, stale *session.Lease) (session.Lease, error) {
	if stale != nil && proof.Method == regpass.Refresh {
		proof.Secret = stale.Cred.Refresh // another process may have used the one we read before
	}
	var err error
	l.Cred, err = l.Target.Exchange(ctx, b.env, proof)
	return l.Lease, err
}

// describe fills in what is known of a credential before it is made.
func (b *Broker) describe(l *Lease, proof registry.Proof) {
	t := l.Target
	l.Method, l.From = proof.Method, proof.From
	l.Receiver, l.Revoker, l.Scope = t.Receiver.String(), t.Revoker.String(), t.ScopeFor(proof.Method)
	l.Own = proof.Method == regpass.Refresh && l.Own || proof.Method != regpass.Refresh && !b.namesNone(proof)
	l.Revocable = proof.Method != regpass.ReadyToken && (proof.Method != regpass.APIKey || t.Row.Exchanges)
	if l.Key == "" {
		scope := l.Scope
		if !l.Revocable { // one for each host, as serves wants it
			scope = strings.Join(append(slices.Sorted(slices.Values(t.Hosts)), scope), " ")
		}
		l.Key = session.Key(t.Row.Name, l.Receiver, scope, string(l.Method)+" "+l.From, proof.Secret)
	}
}
