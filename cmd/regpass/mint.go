package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/registry"
)

// held is a credential that we have, and what it is for.
type held struct {
	ref   regpass.Ref
	row   registry.Row
	login envsync.Login
	again bool // a fresh one can be had later without asking anybody
}

// credential gets the credential for a registry: from the session while it is fresh, else by an exchange that the
// session keeps. s may be nil: then nothing is kept. Standard error says which proof was used.
func (a *app) credential(ctx context.Context, s *envsync.Session, ref regpass.Ref, p *proofFlags) (held, error) {
	row, err := registry.Find(a.env, ref)
	if err != nil {
		return held{}, err
	}
	h := held{ref: ref, row: row, again: true}
	proof, ok, err := a.proof(row, ref, p)
	if err != nil {
		return held{}, err
	}
	if !ok || proof.Method == registry.OIDC {
		l, found, err := a.stored(s, row, ref)
		if err != nil {
			return held{}, err
		}
		fresh := found && l.Cred.Fresh(a.env.Now(), l.Minted, p.minLifetime)
		switch {
		case fresh:
			a.say.notef("%s: credential from the session, made with %s%s", ref.Host, l.From, a.ends(l.Cred))
			h.login = l
			return h, nil
		case !ok && found && !l.Cred.Refresh.Empty():
			proof, ok = registry.Proof{Method: registry.Refresh, From: l.From, Secret: l.Cred.Refresh}, true
			h.login.Key = l.Key
		}
	}
	if !ok && p.browser && row.Login != nil && s != nil && a.env.Terminal {
		proof, ok = registry.Proof{Method: registry.Browser, From: "browser login"}, true
	}
	if !ok {
		return held{}, a.noProof(row, ref)
	}
	h.login.Method, h.login.From = string(proof.Method), proof.From
	if h.login.Endpoint, h.login.Scope, err = a.serves(row, ref, proof.Method); err != nil {
		return held{}, err
	}
	if err := p.onlyTo(h.login.Endpoint, proof.From); err != nil {
		return held{}, err
	}
	h.login.Ours = proof.Method != registry.ReadyToken && (proof.Method != registry.APIKey || row.Trades)
	if h.login.Key == "" {
		h.login.Key = envsync.Key(row.Name, h.login.Endpoint, h.login.Scope, string(proof.Method)+" "+proof.From, proof.Secret)
	}
	if proof.Method != registry.Browser { // which has its own, longer limit: a person has to act
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.timeout)
		defer cancel()
	}
	if !h.login.Ours || s == nil {
		h.again = h.login.Ours
		h.login.Minted = a.env.Now()
		h.login.Cred, err = row.Exchange(ctx, a.env, ref, proof)
		if err == nil && p.keep && s != nil {
			err = s.Keep(h.login)
		}
	} else {
		h.login, err = s.Mint(ctx, h.login.Key, p.minLifetime, func(ctx context.Context, stale *envsync.Login) (envsync.Login, error) {
			l := h.login
			if stale != nil && proof.Method == registry.Refresh {
				proof.Secret = stale.Cred.Refresh // another process may have used the one we read before
			}
			if proof.Method == registry.Browser {
				l.Cred, err = row.Login(ctx, a.env, ref)
				return l, err
			}
			l.Cred, err = row.Exchange(ctx, a.env, ref, proof)
			return l, err
		})
	}
	if err != nil {
		if h.login.Ours && !h.login.Cred.Secret.Empty() { // minted, but not kept where logout would find it
			a.revokeNow(ctx, h.login, p.timeout)
		}
		return held{}, err
	}
	a.say.notef("%s: %s credential by %s%s", h.login.Cred.Host, row.Name, h.login.From, a.ends(h.login.Cred))
	return h, nil
}

// ends says when a credential ends, for people.
func (a *app) ends(c regpass.Credential) string {
	if c.Expires.IsZero() {
		return ""
	}
	return ", good for " + short(c.Expires.Sub(a.env.Now()))
}

// noProof explains what is missing. It is a missing identity only where the registry takes identities.
func (a *app) noProof(row registry.Row, ref regpass.Ref) error {
	what := fmt.Sprintf("%s: no API key", ref)
	hint := "set " + settingPrefix + "API_KEY"
	if len(row.KeyVars) > 0 {
		hint = "set " + row.KeyVars[0]
	}
	if row.Login != nil {
		hint += fmt.Sprintf(", or run `regpass login %s` at a terminal", ref)
	}
	if !row.OIDC {
		return regpass.Hintf(errors.New(what+" and no stored login"), "%s, or pipe a key in with --token-stdin or --username NAME --password-stdin", hint)
	}
	hint += "; in CI: "
	for i, p := range identity.Providers {
		if i > 0 {
			hint += ", "
		}
		hint += p.Title
	}
	return regpass.Hintf(regpass.NoIdentityf("%s, no CI identity and no stored login", what), "%s are known, see `regpass help identities`", hint)
}

// revokeNow ends a credential that nobody will use, also when ctx has ended.
func (a *app) revokeNow(ctx context.Context, l envsync.Login, limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	if _, err := a.revoke(ctx, l); err != nil {
		a.say.warn(fmt.Errorf("revoke the credential for %s: %w", l.Cred.Host, err))
	}
}

// credentials gets one credential for each registry.
func (a *app) credentials(ctx context.Context, s *envsync.Session, refs []regpass.Ref, p *proofFlags) ([]held, error) {
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
	general := p.stdin != nil || from == settingPrefix+"API_KEY" || from == settingPrefix+"API_KEY_FILE"
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
func (a *app) sessionOrWarn() *envsync.Session {
	s, err := a.newSession()
	if err != nil {
		a.say.warn(fmt.Errorf("the credential is not kept for later steps: %w", err))
		return nil
	}
	return s
}
