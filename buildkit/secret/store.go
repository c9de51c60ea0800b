// Package secret says what a step of a build may ask for, and answers it: a credential is minted when the step, or
// BuildKit itself, asks.
package secret

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/moby/buildkit/session/secrets"
	"github.com/moby/buildkit/session/secrets/secretsprovider"

	"github.com/regpass/regpass"
)

// Options are what a person can choose about a Store.
type Options struct {
	// MinLifetime is what must be left of a credential that is handed out, where the lifetime is over four times as long.
	MinLifetime time.Duration
	// Isolate names the tenant of a builder that several share: "-" and the name end every id that a step mounts, so
	// that their steps differ and none runs with another's secret. What BuildKit itself asks for has fixed ids.
	Isolate string
	// Failed hears of everything that went wrong, in full: the builds only get to know that it did. May be nil.
	Failed func(error)
}

// Store answers what BuildKit asks for while it builds. It implements secrets.SecretStore; a session can have only one
// provider of secrets, so the user's own are answered here too. It may be used by several goroutines.
type Store struct {
	env    *regpass.Env
	render Render
	opts   Options

	sources  []Source
	cached   []*cachedSource // of the sources, by index
	entries  []*entry        // in the order to show them
	byID     map[string]*entry
	warnings []string

	mu     sync.Mutex // guards minted
	minted []Delivery
}

var _ secrets.SecretStore = (*Store)(nil)

// tenant is what Isolate may be.
var tenant = regpass.Pattern(`^[A-Za-z0-9_.-]{0,64}$`)

// NewStore makes the store of one session. Nothing is minted before it is asked for. Ids that clash are ErrUsage, as is
// a file of the user's that is not there.
func NewStore(env *regpass.Env, sources []Source, user []UserDefined, r Render, o Options) (*Store, error) {
	if !tenant().MatchString(o.Isolate) {
		return nil, regpass.Usagef("secrets: the name of a tenant has letters, digits and _.- in it, 64 at most, not %s", regpass.Quote(o.Isolate))
	}
	s := &Store{env: env, render: r, opts: o, byID: map[string]*entry{}}
	s.openSources(sources)
	for _, v := range values {
		for i, src := range sources {
			for _, name := range v.names(src) {
				if err := s.addValue(v, v.secret(name), s.cached[i]); err != nil {
					return nil, err
				}
			}
		}
	}
	if len(sources) > 0 {
		for _, f := range files {
			s.addFile(f)
		}
	}
	for _, u := range user {
		if err := s.addUserDefined(u); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// openSources makes a cached source for each source, the same for sources of one key.
func (s *Store) openSources(sources []Source) {
	byKey := map[string]*cachedSource{}
	for _, src := range sources {
		a := byKey[src.key()]
		if a == nil {
			a = &cachedSource{source: src, now: s.env.Now, failed: s.opts.Failed, fresh: func(c regpass.Credential, got time.Time) bool {
				if src.Fresh != nil {
					return src.Fresh(c)
				}
				return c.Fresh(s.env.Now(), got, s.opts.MinLifetime)
			}}
			byKey[src.key()] = a
		}
		s.sources, s.cached = append(s.sources, src), append(s.cached, a)
	}
}

// tenantID is the id under which a step of this tenant mounts a secret.
func (s *Store) tenantID(id string) string {
	if s.opts.Isolate == "" {
		return id
	}
	return id + "-" + s.opts.Isolate
}

// add offers e, instead of what had its id.
func (s *Store) add(e *entry) {
	if old := s.byID[e.ID]; old != nil {
		s.entries = slices.DeleteFunc(s.entries, func(e *entry) bool { return e == old })
	}
	s.entries = append(s.entries, e)
	s.byID[e.ID] = e
}

// GetSecret implements secrets.SecretStore. An id that is not offered is secrets.ErrNotFound at once: BuildKit also asks
// for ids that nobody configured. The text of any other error is shown in the build's log and kept in its history, so
// it names the id, the registry's host, what went wrong and what to do, and nothing that came from outside.
func (s *Store) GetSecret(ctx context.Context, id string) ([]byte, error) {
	e := s.byID[id]
	if e == nil {
		return nil, secrets.ErrNotFound
	}
	if e.conflict != nil {
		return nil, fmt.Errorf("regpass: secret %s: two registries have different credentials for it; mount netrc, rattler or one by its index name", id)
	}
	content, creds, err := e.resolve(ctx)
	switch {
	case errors.Is(err, secrets.ErrNotFound):
		return nil, secrets.ErrNotFound
	case err != nil:
		return nil, fmt.Errorf("regpass: secret %s: %w", id, err)
	case len(content) > secretsprovider.MaxSecretSize:
		return nil, fmt.Errorf("regpass: secret %s: it is larger than the %d bytes that BuildKit takes", id, secretsprovider.MaxSecretSize)
	}
	s.record(id, creds)
	return content, nil
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

// Secrets lists what package clients find by themselves once it is mounted, in the order to mount it. Nothing is minted.
func (s *Store) Secrets() []Secret {
	return slices.DeleteFunc(s.All(), func(o Secret) bool { return o.Use != ForClient })
}

// All lists what is answered with a credential of a registry, the user's own secrets aside. Nothing is minted.
func (s *Store) All() []Secret {
	var all []Secret
	for _, e := range s.entries {
		if e.conflict == nil && !e.userDefined {
			all = append(all, e.Secret)
		}
	}
	return all
}

// Minted lists what was handed out so far, in that order.
func (s *Store) Minted() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.minted)
}

// Warnings lists what the user should know before the build, one line each.
func (s *Store) Warnings() []string { return s.warnings }
