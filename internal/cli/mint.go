package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/registry"
	"github.com/regpass/regpass/session"
)

// held is a credential that we have, and what it is for.
type held struct {
	ref   regpass.Ref
	row   registry.Row
	login session.Login
	again bool // a fresh one can be had later without asking anybody
}

// credential gets the credential for a registry: from the session while it is fresh, else by an exchange that the
// session keeps. s may be nil: then nothing is kept. Standard error says which proof was used.
func (a *app) credential(ctx context.Context, s *session.Session, ref regpass.Ref, p *proofFlags) (held, error) {
	row, err := registry.Find(a.env, ref)
	if err != nil {
		return held{}, err
	}
	h := held{ref: ref, row: row, again: true}
	proof, err := a.choose(s, &h, p)
	if err != nil {
		return held{}, err
	}
	if proof == nil {
		a.say.notef("%s: credential from the session, made with %s%s", ref.Host, h.login.From, a.ends(h.login.Cred))
		return h, nil
	}
	if err := a.describe(&h, *proof, p); err != nil {
		return held{}, err
	}
	if err := a.exchange(ctx, s, &h, *proof, p); err != nil {
		return held{}, err
	}
	a.say.notef("%s: %s credential by %s%s", h.login.Cred.Host, row.Name, h.login.From, a.ends(h.login.Cred))
	return h, nil
}

// choose finds the proof to show, or nil where the session has a fresh credential that serves: then it is h's.
func (a *app) choose(s *session.Session, h *held, p *proofFlags) (*registry.Proof, error) {
	proof, ok, err := a.proof(s, h.row, h.ref, p)
	if err != nil {
		return nil, err
	}
	if ok && proof.Method != registry.OIDC {
		return &proof, nil
	}
	l, found, err := a.stored(s, h.row, h.ref)
	switch {
	case err != nil:
		return nil, err
	case found && l.Cred.Fresh(a.env.Now(), l.Minted, p.minLifetime):
		h.login = l
		return nil, nil
	case ok:
		return &proof, nil
	case found && !l.Cred.Refresh.Empty():
		h.login.Key = l.Key
		return &registry.Proof{Method: registry.Refresh, From: l.From, Secret: l.Cred.Refresh}, nil
	case p.browser && h.row.Login != nil && s != nil && a.env.Terminal:
		return &registry.Proof{Method: registry.Browser, From: "browser login"}, nil
	}
	return nil, a.noProof(h.row, h.ref)
}

// describe fills in what is known of h's credential before it is made.
func (a *app) describe(h *held, proof registry.Proof, p *proofFlags) (err error) {
	l := &h.login
	l.Method, l.From = string(proof.Method), proof.From
	if l.Endpoint, l.Scope, err = a.serves(h.row, h.ref, proof.Method); err != nil {
		return err
	}
	if err := p.onlyTo(l.Endpoint, proof.From); err != nil {
		return err
	}
	l.Ours = proof.Method != registry.ReadyToken && (proof.Method != registry.APIKey || h.row.Trades)
	if l.Key == "" {
		l.Key = session.Key(h.row.Name, l.Endpoint, l.Scope, l.Method+" "+l.From, proof.Secret)
	}
	return nil
}

// exchange shows the proof. What is minted goes through the session, so that of several processes one mints.
func (a *app) exchange(ctx context.Context, s *session.Session, h *held, proof registry.Proof, p *proofFlags) (err error) {
	if proof.Method != registry.Browser { // which has its own, longer limit: a person has to act
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.timeout)
		defer cancel()
	}
	if !h.login.Ours || s == nil {
		h.again = h.login.Ours
		h.login.Minted = a.env.Now()
		h.login.Cred, err = h.row.Exchange(ctx, a.env, h.ref, proof)
		if err == nil && p.keep && s != nil {
			err = s.Keep(h.login)
		}
		return err
	}
	h.login, err = s.Mint(ctx, h.login.Key, p.minLifetime, func(ctx context.Context, stale *session.Login) (session.Login, error) {
		l, proof := h.login, proof
		if stale != nil && proof.Method == registry.Refresh {
			proof.Secret = stale.Cred.Refresh // another process may have used the one we read before
		}
		var err error
		l.Cred, err = h.row.Exchange(ctx, a.env, h.ref, proof)
		l.Shown = p.lastShown
		return l, err
	})
	if err != nil && h.login.Ours && !h.login.Cred.Secret.Empty() { // minted, but not kept where logout would find it
		a.revokeNow(ctx, h.login, p.timeout)
	}
	return err
}

// ends says when a credential ends, for people.
func (a *app) ends(c regpass.Credential) string {
	if c.Expires.IsZero() {
		return ""
	}
	return ", good for " + short(c.Expires.Sub(a.env.Now()))
}

// errNoKey is what a fork meets, which is given no secrets.
var errNoKey = errors.New("no API key")

// noProof explains what is missing. It is a missing identity only where the registry takes identities.
func (a *app) noProof(row registry.Row, ref regpass.Ref) error {
	hint := "set " + settingPrefix + "API_KEY"
	if len(row.KeyVars) > 0 {
		hint = "set " + row.KeyVars[0]
	}
	if row.Login != nil {
		hint += fmt.Sprintf(", or run `regpass login %s` at a terminal", ref)
	}
	if !row.OIDC {
		return regpass.Hintf(fmt.Errorf("%s: %w and no stored login", ref, errNoKey), "%s, or pipe a key in with --token-stdin or --username NAME --password-stdin", hint)
	}
	hint += "; in CI: "
	for i, p := range identity.Providers {
		if i > 0 {
			hint += ", "
		}
		hint += p.Title
	}
	return regpass.Hintf(regpass.NoIdentityf("%s: %w, no CI identity and no stored login", ref, errNoKey), "%s are known, see `regpass help identities`", hint)
}

// revokeNow ends a credential that nobody will use, also when ctx has ended.
func (a *app) revokeNow(ctx context.Context, l session.Login, limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	if _, err := a.revoke(ctx, l); err != nil {
		a.say.warn(fmt.Errorf("revoke the credential for %s: %w", l.Cred.Host, err))
	}
}

// credentials gets one credential for each registry.
func (a *app) credentials(ctx context.Context, s *session.Session, refs []regpass.Ref, p *proofFlags) ([]held, error) {
	var all []held
	for _, ref := range refs {
		h, err := a.credential(ctx, s, ref, p)
		if err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	return all, nil
}

// onlyTo keeps a secret that no registry's name stands on, from standard input or REGPASS_API_KEY, to the first
// registry that gets it: sending one secret to several is what a hostile list of registries would want.
func (p *proofFlags) onlyTo(endpoint, from string) error {
	general := p.stdin != nil || !p.input.Empty() || from == settingPrefix+"API_KEY" || from == settingPrefix+"API_KEY_FILE"
	switch {
	case !general:
	case p.sentTo == "":
		p.sentTo = endpoint
	case p.sentTo != endpoint:
		return regpass.Hintf(regpass.Usagef("%s is one key, but %s and %s both would get it", from, p.sentTo, endpoint),
			"log in to one registry after the other")
	}
	return nil
}

// sessionOrWarn opens the session for a verb that can go on without one.
func (a *app) sessionOrWarn() *session.Session {
	s, err := a.newSession()
	if err != nil {
		a.say.warn(fmt.Errorf("the credential is not kept for later steps: %w", err))
		return nil
	}
	return s
}
