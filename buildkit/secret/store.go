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
	env  *regpass.Env
	opts Options

	*list
	sources []Source
	cached  []*cachedSource // of the sources, by index

	mu     sync.Mutex // guards minted
	minted []Delivery
}

var _ secrets.SecretStore = (*Store)(nil)

// tenant is what Isolate may be.
var tenant = regpass.Pattern(`^[A-Za-z0-9_.-]{0,64}$`)

// NewStore makes the store of one session. Nothing is minted before it is asked for. Ids that clash are ErrUsage, as is
// a file of the user's that is not there.
func NewStore(env *regpass.Env, sources []Source, user []UserDefined, o Options) (*Store, error) {
	if !tenant().MatchString(o.Isolate) {
		return nil, regpass.Usagef("secrets: the name of a tenant has letters, digits and _.- in it, 64 at most, not %s",
			regpass.Quote(o.Isolate))
	}
	l, err := newList(sources, o.Isolate)
	if err != nil {
		return nil, err
	}
	s := &Store{env: env, opts: o, list: l}
	s.openSources(sources)
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
			a = &cachedSource{source: src, now: s.env.Now, failed: s.opts.Failed,
				fresh: func(c regpass.Credential, got time.Time) bool {
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

// GetSecret implements secrets.SecretStore. An id that is not offered is secrets.ErrNotFound at once: BuildKit also
// asks for ids that nobody configured. The text of any other error is shown in the build's log and kept in its history,
// so it names the id, the registry's host, what went wrong and what to do, and nothing that came from outside.
func (s *Store) GetSecret(ctx context.Context, id string) ([]byte, error) {
	e := s.byID[id]
	if e == nil {
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

// answer gets the credentials that are asked for, and makes the value of them.
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
	var u *uncarried
	if errors.As(err, &u) && s.opts.Failed != nil {
		s.opts.Failed(u.cause)
	}
	return content, creds, err
}

// refusal is all that a build gets to know of an error: err itself may hold what a server said.
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

// Secrets lists what package clients find by themselves once it is mounted, in the order to mount it. Nothing is
// minted.
func (s *Store) Secrets() []Secret {
	return slices.DeleteFunc(s.All(), func(o Secret) bool { return o.Use != ForClient })
}

// All lists what is answered with a credential of a registry, the user's own secrets aside. Nothing is minted.
func (s *Store) All() []Secret {
	var all []Secret
	for _, e := range s.entries {
		if !e.conflict && e.user == nil {
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
