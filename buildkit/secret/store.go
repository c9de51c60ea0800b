// Package secret lists the secrets that a step of a build may ask for, and answers: a credential is minted when the
// step, or BuildKit itself, asks.
package secret

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"

	"github.com/moby/buildkit/session/auth/authprovider"
	"github.com/moby/buildkit/session/secrets"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/dockercfg"
)

// Minter gets the credentials of a build. Several goroutines may use it at the same time.
type Minter interface {
	// Credential gets the credential for ref. It is cheap while the credential is fresh, since the session keeps it. It
	// never returns a credential that has ended.
	Credential(ctx context.Context, ref regpass.Ref) (regpass.Credential, error)
	// Fresh reports whether a credential that Credential returned is still worth handing out.
	Fresh(c regpass.Credential) bool
	// Fail takes the full error, of which the build only sees that there was one.
	Fail(err error)
}

// Store answers BuildKit's questions for secrets during a build. It implements secrets.SecretStore. A session can have
// only one provider of secrets, so the user's own are answered here too. Several goroutines may use a Store.
type Store struct {
	env    *regpass.Env
	minter Minter

	*list
	sources []Source
	cached  []*cachedSource                 // of the sources, by index
	docker  authprovider.AuthConfigProvider // docker's stored logins, for hosts of no source
	// Images finds the registry behind a host of images that nobody named, if there is a proof for it; nil: none.
	Images func(host string) (regpass.Ref, bool)

	mu      sync.Mutex               // guards the fields below
	images  map[string]*cachedSource // by host; nil: Images has none
	minted  []Delivery
	fetched []*url.URL // what BuildKit itself fetches
}

var _ secrets.SecretStore = (*Store)(nil)

// tenantName matches the name of a tenant, or "".
var tenantName = regpass.Pattern(`^[A-Za-z0-9_.-]{0,64}$`)

// NewStore makes the store of one session. Nothing is minted before BuildKit asks for it.
//
// tenant, which may be "", is a name on a builder that several tenants share. Every id that a step mounts then ends in
// "-" and the name, so that the steps of two tenants differ and none runs with another's secret. The ids that BuildKit
// itself asks for are fixed. Ids that clash are ErrUsage, and so is a missing file of the user's.
func NewStore(env *regpass.Env, m Minter, sources []Source, user []UserDefined, tenant string) (*Store, error) {
	if !tenantName().MatchString(tenant) {
		return nil, regpass.Usagef("secrets: the name of a tenant has letters, digits and _.- in it, 64 at most, not %s",
			regpass.Quote(tenant))
	}
	l, err := newList(sources, tenant)
	if err != nil {
		return nil, err
	}
	docker, err := dockercfg.Auth(env)
	if err != nil {
		return nil, err
	}
	s := &Store{env: env, minter: m, list: l, docker: docker}
	s.openSources(sources)
	for _, u := range user {
		if err := s.addUserDefined(u); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// openSources makes a cached source for each source. Sources of one key share it.
func (s *Store) openSources(sources []Source) {
	byKey := map[string]*cachedSource{}
	for _, src := range sources {
		a := byKey[src.key()]
		if a == nil {
			a = &cachedSource{ref: src.Ref, minter: s.minter}
			byKey[src.key()] = a
		}
		s.sources, s.cached = append(s.sources, src), append(s.cached, a)
	}
}

// GetSecret implements secrets.SecretStore. An unknown id is secrets.ErrNotFound at once, since BuildKit also asks for
// ids that nobody configured. Any other error is shown in the build's log and kept in its history, so it names the id,
// the registry's host, the reason and the next step, and quotes nothing from outside.
func (s *Store) GetSecret(ctx context.Context, id string) ([]byte, error) {
	e := s.byID[id]
	if e == nil || e.Use == ForDaemon && e.user == nil && !s.maySend(e) {
		return nil, secrets.ErrNotFound
	}
	if e.conflict {
		return nil, fmt.Errorf("regpass: secret %s: two registries have different credentials for it; mount netrc, "+
			"rattler or one by its index name", id)
	}
	content, creds, err := s.answer(ctx, e)
	if err = forBuild(id, content, err); err != nil {
		return nil, err
	}
	s.record(id, creds)
	return content, nil
}

// answer gets the credentials of an entry, and makes its value of them.
func (s *Store) answer(ctx context.Context, e *entry) ([]byte, []regpass.Credential, error) {
	if e.user != nil {
		content, err := s.userContent(*e.user)
		return content, nil, err
	}
	var from []held
	for _, i := range e.from {
		c, err := s.cached[i].credential(ctx)
		if err != nil {
			return nil, nil, refusal(ctx, s.sources[i].hosts()[0], err)
		}
		from = append(from, held{s.sources[i], c})
	}
	content, creds, err := e.content(from)
	var format *formatError
	if errors.As(err, &format) {
		s.minter.Fail(format.cause)
	}
	return content, creds, err
}

// refusal is the error that a build sees in place of err, which may quote a server.
func refusal(ctx context.Context, host string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	why := "no credential could be had"
	var he *regpass.HTTPError
	switch {
	case errors.As(err, &he):
		why = fmt.Sprintf("no credential could be had: an answer with status %d", he.Status)
	case errors.Is(err, regpass.ErrNoIdentity):
		why = "no credential could be had: nothing here proves who asks"
	case errors.Is(err, context.DeadlineExceeded):
		why = "no credential could be had within the time limit"
	}
	return fmt.Errorf("%s: %s; regpass tells more where it was started, and `regpass status` what is missing", host, why)
}

func (s *Store) record(id string, creds []regpass.Credential) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.env.Now()
	for _, c := range creds {
		s.minted = append(s.minted, Delivery{id, c.Host, c.Secret.Fingerprint(), now})
	}
	if creds == nil {
		s.minted = append(s.minted, Delivery{ID: id, When: now})
	}
}

// Secrets lists the secrets that package clients find by themselves, in the order to mount them. Nothing is minted.
func (s *Store) Secrets() []Secret {
	return slices.DeleteFunc(s.All(), func(o Secret) bool { return o.Use != ForClient })
}

// All lists the secrets that hold registries' credentials, not the user's own. Nothing is minted.
func (s *Store) All() []Secret {
	var all []Secret
	for _, e := range s.entries {
		if !e.conflict && e.user == nil {
			all = append(all, e.Secret)
		}
	}
	return all
}

// Minted lists the secrets that were handed out so far, in that order.
func (s *Store) Minted() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.minted)
}

// Warnings lists the warnings to print before the build, one line each.
func (s *Store) Warnings() []string { return s.warnings }
