package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/leak"
	"github.com/regpass/regpass/buildkit/secret"
	"github.com/regpass/regpass/registry"
	"github.com/regpass/regpass/session"
)

// minter gets credentials for a build while it runs, and knows all of them. Only who gets or ends a credential waits for
// the network: what is known can be asked for at any time.
type minter struct {
	a *app
	s *session.Session
	p *proofFlags

	earlier bool // the session had credentials before the build

	turn sync.Mutex // held while a credential is got or ended, one at a time; guards what p remembers of it

	mu     sync.Mutex // guards what follows; never held while anything is waited for
	known  map[string]named
	failed error // why the last credential that was asked for could not be had
}

// named is a secret that must not show up anywhere in a build.
type named struct {
	id, host string
	login    session.Login // what can be revoked; zero for a key or a token of the user's
}

func newMinter(a *app, s *session.Session, p *proofFlags) *minter {
	return &minter{a: a, s: s, p: p, known: map[string]named{}}
}

// sources are what a build may ask credentials of. Nothing is minted yet, but the keys and credentials that are here
// are known from now on.
func (m *minter) sources(refs []regpass.Ref) ([]secret.Source, error) {
	logins, err := m.s.Logins()
	if err != nil {
		return nil, err
	}
	m.earlier = len(logins) > 0
	for _, l := range logins {
		m.a.env.Mask(l.Cred.Secret, l.Cred.SessionToken, l.Cred.Refresh)
		m.know("session", l)
	}
	var all []secret.Source
	for _, ref := range refs {
		row, err := registry.Find(m.a.env, ref)
		if err != nil {
			return nil, err
		}
		proof, ok, err := m.a.proof(m.s, row, ref, m.p)
		if err != nil {
			return nil, err
		}
		if ok && !proof.Secret.Empty() {
			m.remember(proof.Secret, named{id: proof.From, host: ref.Host})
		}
		endpoint, scope, err := m.a.serves(row, ref, proof.Method)
		if err != nil {
			return nil, err
		}
		at, err := url.Parse(endpoint)
		if err != nil {
			return nil, err
		}
		hosts := []string{ref.Host}
		if ref.Bare { // a name such as pyx.dev stands for the server that answers for it
			hosts = []string{at.Host}
		}
		all = append(all, secret.Source{
			Hosts: hosts, Ref: ref, Registry: row.Name, ClientVar: row.ClientVar, Key: row.Name + " " + endpoint + " " + scope,
			Mint:  func(ctx context.Context) (regpass.Credential, error) { return m.mint(ctx, ref) },
			Fresh: m.fresh,
		})
	}
	return all, nil
}

func (m *minter) mint(ctx context.Context, ref regpass.Ref) (regpass.Credential, error) {
	m.turn.Lock()
	defer m.turn.Unlock()
	if err := ctx.Err(); err != nil { // it was called off while another had its turn
		return regpass.Credential{}, err
	}
	h, err := m.a.credential(ctx, m.s, ref, m.p)
	if err != nil {
		return regpass.Credential{}, err
	}
	m.know(h.ref.String(), h.login)
	return h.login.Cred, nil
}

// know remembers a credential by each of its parts.
func (m *minter) know(id string, l session.Login) {
	if !l.Ours {
		id = l.From // which says better what is to be replaced
	}
	for _, s := range []regpass.Secret{l.Cred.Secret, l.Cred.SessionToken, l.Cred.Refresh} {
		if !s.Empty() {
			m.remember(s, named{id: id, host: l.Cred.Host, login: l})
		}
	}
}

func (m *minter) remember(s regpass.Secret, n named) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known[s.Fingerprint()] = n
}

func (m *minter) recall(fingerprint string) (n named, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, ok = m.known[fingerprint]
	return n, ok
}

// fresh is buildkit.Source.Fresh: by the moment that the credential was minted, which may be long ago, and by what the
// session says now: another build of the job may have seen it leak and ended it.
func (m *minter) fresh(c regpass.Credential) bool {
	n, _ := m.recall(c.Secret.Fingerprint())
	logins, _ := m.s.Logins() // one that cannot be read says nothing else
	for _, l := range logins {
		switch {
		case l.Key != n.login.Key:
		case l.Cred.Secret.Fingerprint() != c.Secret.Fingerprint():
			return false // somebody got another in its place
		default:
			c.Expires = l.Cred.Expires
		}
	}
	return c.Fresh(m.a.env.Now(), n.login.Minted, m.p.minLifetime)
}

// who tells a Watch what to call a secret. Those of the user's own are not ours to judge.
func (m *minter) who(fingerprint string) (id, host string, ours bool) {
	n, ours := m.recall(fingerprint)
	return n.id, n.host, ours
}

// fail hears why a credential could not be had. The build only gets to know that.
func (m *minter) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failed = err
}

// reason is how a build ended: where a credential that a step asked for could not be had, that is why it failed. In
// a build that went on without, it is a warning.
func (m *minter) reason(err error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.failed == nil || errors.Is(err, regpass.ErrFound):
		return err
	case err == nil:
		m.a.say.warn(fmt.Errorf("a credential could not be had, and the build went on without: %w", m.failed))
		return nil
	}
	return fmt.Errorf("%w: %w", err, m.failed)
}

// revoke ends the credentials that leaked, and has later steps mint new ones.
func (m *minter) revoke(ctx context.Context, leaks []leak.Leak) {
	m.turn.Lock() // a step may still be asking while the build is called off
	defer m.turn.Unlock()
	done := map[string]bool{}
	for _, leak := range leaks {
		n, _ := m.recall(leak.Fingerprint)
		switch {
		case done[leak.Fingerprint]:
		case !n.login.Ours:
			m.a.say.line("warning: ", fmt.Sprintf("%s leaked, and it is yours: replace it at %s", n.id, n.host))
		default:
			m.a.revokeNow(ctx, n.login, m.p.timeout)
			m.a.say.notef("%s: the credential that leaked is revoked", n.host)
			n.login.Cred.Expires = m.a.env.Now()
			if err := m.s.Keep(n.login); err != nil {
				m.a.say.warn(err)
			}
		}
		done[leak.Fingerprint] = true
	}
}
