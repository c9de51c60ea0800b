package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
	"github.com/regpass/regpass/registry"
)

// Explanation says which proof a registry would get.
type Explanation struct {
	Type  string // the registry's kind, or empty where that is not known
	Proof string // for people
	// Public says that the checkout names what everyone may read, which is passed over.
	Public bool
	Err    error // why there would be no credential, with hints; nil: there would be one, as far as can be told from here
}

// Explain tells which proof Credential would show for ref. It comes to that by the same steps but asks nobody.
func (b *Broker) Explain(ref regpass.Ref) Explanation {
	var e Explanation
	if row, err := registry.Find(b.env, ref); err == nil {
		e.Type, e.Public = row.Name, !ref.Trusted && row.IsPublic(ref)
	}
	if e.Public {
		return e
	}
	target, err := registry.Open(b.env, ref)
	if err != nil {
		e.Err = err
		return e
	}
	f, err := b.find(target)
	switch {
	case err != nil:
		e.Err = err
	case f.kept:
		e.Proof = "the session's credential, made with " + f.lease.From
	case f.proof.Method == regpass.Refresh:
		e.Proof = "the refresh token of a login with " + f.proof.From
	default:
		e.Proof = f.proof.From
		if e.Err = b.onlyTo(target, f.proof); e.Err == nil {
			e.Err = target.Check(b.env, f.proof)
		}
	}
	return e
}

// Identify is Explain for a run that may ask the CI system, though no registry: it also finds out whether the job has
// the identity that the registry would be shown. A server that names its audience itself is not asked for it.
func (b *Broker) Identify(ctx context.Context, ref regpass.Ref) Explanation {
	e := b.Explain(ref)
	if e.Err != nil || e.Public {
		return e
	}
	target, err := registry.Open(b.env, ref)
	if err != nil {
		return e
	}
	f, err := b.find(target)
	audience := cmp.Or(f.proof.Audience, target.Audience)
	if shown, ok := f.proof.Identities.(*job); err == nil && ok && audience != "" {
		ctx, cancel := context.WithTimeout(ctx, b.options.Timeout)
		defer cancel()
		_, e.Err = shown.provider.Get(ctx, b.env, audience)
	}
	return e
}

// Local is the credential that a registry would get, if it can be had without asking anybody: one that the session
// keeps, or a key that is the credential itself.
func (b *Broker) Local(ref regpass.Ref) (Lease, bool) {
	target, err := registry.Open(b.env, ref)
	if err != nil {
		return Lease{}, false
	}
	f, err := b.find(target)
	if err != nil {
		return Lease{}, false
	}
	l := Lease{Lease: f.lease, Target: target}
	if !f.kept {
		ready := f.proof.Method == regpass.ReadyToken || f.proof.Method == regpass.APIKey && !target.Row.Exchanges
		if !ready || b.onlyTo(target, f.proof) != nil {
			return Lease{}, false
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // a row that asks somebody all the same gets no answer
		if l.Cred, err = target.Exchange(ctx, b.env, f.proof); err != nil {
			return Lease{}, false
		}
	}
	l.forTarget()
	return l, true
}

// withType adds to the error that there is no proof what the server says of itself. Whether that is so decides the
// person: nothing is sent by it.
func (b *Broker) withType(ctx context.Context, t registry.Target, err error) error {
	if !errors.Is(err, ErrNoKey) {
		return err
	}
	if name := t.WhatIs(ctx, b.env); name != "" {
		return regpass.Hintf(err, "the server says that it speaks the protocol of %s: %s", name, t.AddType(name))
	}
	return err
}

// ErrNoKey says that no key is here, which is what a fork meets: it is given no secrets.
var ErrNoKey = errors.New("no API key")

// noProof explains what is missing.
func (b *Broker) noProof(t registry.Target) error {
	named := t
	named.Ref.Trusted = true
	if l, ok, err := b.stored(named, anyLease); err == nil && ok && !t.Ref.Trusted {
		err := fmt.Errorf("%s: %w but the session's, which is for a registry that you name: "+
			"only %s, a file of the checkout, names this one", t.Ref, ErrNoKey, t.Ref.Origin)
		return regpass.Hintf(err, "name the registry on the command line, if the secret from %s is for it", l.From)
	}
	if t.ReadByAll() {
		err := regpass.NoIdentityf("%s: %w, and none is needed there", t.Ref, ErrNoKey)
		return regpass.Hintf(err, "%s", t.ReadOrPublish())
	}
	keys, hint := KeyVars(t), b.toSet(t)
	if missing := t.Missing(b.env); len(missing) > 0 {
		hint = fmt.Sprintf("for a CI identity, %s; `regpass trust %s` prints what to enter at the registry; otherwise %s",
			toGive(missing), t.Ref.Args(), hint)
	}
	job := slices.IndexFunc(ci.Systems, func(s ci.System) bool { return s.HasJobs() && s.Detect(b.env) })
	if t.Row.Browser && job < 0 {
		hint += fmt.Sprintf(", or run `regpass login %s` at a terminal", t.Ref.Args())
	}
	if !t.Row.OIDC && len(keys) == 1 && (t.Ref.Trusted && !t.Ref.Vouched) { // one secret, which may be piped in
		hint += ", or pipe a key in with --token-stdin or --username NAME --password-stdin"
	}
	if !t.Row.OIDC {
		return b.maybe(t, regpass.Hintf(regpass.NoIdentityf("%s: %w and no stored login", t.Ref, ErrNoKey), "%s", hint))
	}
	identity := "CI identity"
	if len(t.Missing(b.env)) > 0 {
		identity = strings.Join(t.Row.Needs, " and ") + " for a CI identity"
	}
	err := b.maybe(t, regpass.NoIdentityf("%s: %w, no %s and no stored login", t.Ref, ErrNoKey, identity))
	if job >= 0 {
		return regpass.Hintf(err, "%s; `regpass init %s` prints what to add to the job's file", hint, ci.Systems[job].Name)
	}
	return regpass.Hintf(err, "%s; for a CI job, `regpass init CI` prints what to add to its file", hint)
}

// toSet says which variables to set: the row's own for a key or a ready token, otherwise the general one.
func (b *Broker) toSet(t registry.Target) string {
	ways := t.ToSet(b.env)
	switch {
	case t.KeyVars() != nil:
	case t.Ref.Vouched:
		ways = append(ways, KeyVars(t)...)
	case t.Ref.Trusted:
		ways = append(append(ways, KeyVars(t)...), KeyVar)
	case len(ways) == 0:
		return "name the registry on the command line or in REGPASS_REGISTRIES, and set " + KeyVar
	}
	last := len(ways) - 1
	or := " or "
	if strings.ContainsAny(strings.Join(ways, ""), " ") {
		or = ", or "
	}
	return "set " + strings.TrimPrefix(strings.Join(ways[:last], ", ")+or+ways[last], or)
}

// maybe adds what may be wrong: variables that are set for nothing, and a kind of server that nothing tells.
func (b *Broker) maybe(t registry.Target, err error) error {
	idle := t.Idle(b.env)
	for _, hint := range idle {
		err = regpass.Hintf(err, "%s", hint)
	}
	if hint := t.MayBe(); hint != "" && len(idle) == 0 {
		err = regpass.Hintf(err, "%s", hint)
	}
	return err
}

// toGive says how what is missing is given: most of it by a variable or an option, some only by an option.
func toGive(missing []string) string {
	all := strings.Join(missing, " and ")
	if strings.Contains(all, " or ") {
		return "set " + all
	}
	return "add " + all + " to the registry"
}
