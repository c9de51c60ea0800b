package secret

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/session/secrets"

	"github.com/regpass/regpass"
)

// entry is one id and how it is resolved.
type entry struct {
	Secret
	cached      *cachedSource // for values: two of them can't share an id
	conflict    *cachedSource // another one that would have the same id: then nobody gets it
	userDefined bool          // from --secret
	resolve     resolve
}

// resolve gets the value that is asked for, and the credentials that are in it.
type resolve func(context.Context) ([]byte, []regpass.Credential, error)

// addValue offers a part of a credential. Where two credentials would go by one name, nobody gets either by it: which
// is meant can't be told. If the user chose the name, that is an error.
func (s *Store) addValue(v value, secret Secret, src *cachedSource) error {
	if v.use != ForDaemon {
		secret.ID = s.tenantID(secret.ID)
	}
	if other := s.byID[secret.ID]; other != nil {
		switch {
		case other.cached == src:
			other.Hosts = union(other.Hosts, src.source.hosts())
		case v.named:
			return regpass.Hintf(regpass.Usagef("secrets: %s and %s have two credentials, and both would be %s", other.cached.source.Ref, src.source.Ref, secret.Env),
				"give each a name=INDEX of its own")
		case v.use == ForClient && other.conflict == nil:
			s.warnings = append(s.warnings, fmt.Sprintf("steps get no %s, for %s and %s have different credentials; netrc and rattler have both", secret.Env, other.cached.source.Ref, src.source.Ref))
			fallthrough
		default:
			other.conflict = src
		}
		return nil
	}
	secret.Hosts = slices.Clone(src.source.hosts())
	s.add(&entry{Secret: secret, cached: src, resolve: func(ctx context.Context) ([]byte, []regpass.Credential, error) {
		c, err := src.credential(ctx)
		if err != nil {
			return nil, nil, refusal(ctx, src.source.hosts()[0], err)
		}
		text := v.of(c)
		switch {
		case text == "" && v.use == ForDaemon:
			return nil, nil, secrets.ErrNotFound // it goes on to ask for the other form
		case text == "":
			return nil, nil, fmt.Errorf("%s: its %s credential has no such part; mount netrc or rattler", c.Host, c.Kind)
		case strings.ContainsAny(text, "\x00\r\n"):
			return nil, nil, fmt.Errorf("%s: the credential holds a line break or a NUL, which no variable can carry", c.Host)
		}
		return []byte(text), []regpass.Credential{c}, nil
	}})
	return nil
}

// addFile offers a file for the credentials of all sources.
func (s *Store) addFile(f file) {
	secret := f.secret
	secret.ID = s.tenantID(secret.ID)
	for _, src := range s.sources {
		secret.Hosts = union(secret.Hosts, src.hosts())
	}
	s.add(&entry{Secret: secret, resolve: func(ctx context.Context) ([]byte, []regpass.Credential, error) {
		return s.renderFile(ctx, f.render(s.render))
	}})
}

// renderFile gets every credential, and makes the file of those that it can carry.
func (s *Store) renderFile(ctx context.Context, render renderer) ([]byte, []regpass.Credential, error) {
	if render == nil {
		return nil, nil, secrets.ErrNotFound
	}
	var creds []regpass.Credential
	var of []Source
	var why []error
	for i, src := range s.sources {
		c, err := s.cached[i].credential(ctx)
		if err != nil {
			return nil, nil, refusal(ctx, src.hosts()[0], err)
		}
		if _, err := render([]regpass.Credential{c}, []Source{src}); err != nil {
			why = append(why, err)
			continue
		}
		creds, of = append(creds, c), append(of, src)
	}
	if len(creds) == 0 {
		s.tell(errors.Join(why...))
		return nil, nil, errors.New("no credential of this build can be written in such a file; mount another id")
	}
	content, err := render(creds, of)
	if err != nil {
		s.tell(err)
		return nil, nil, errors.New("the credentials of this build can't be written in one such file; mount another id")
	}
	return content, creds, nil
}

func (s *Store) tell(err error) {
	if s.opts.Failed != nil {
		s.opts.Failed(err)
	}
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

// union appends what is new.
func union(all, more []string) []string {
	for _, m := range more {
		if !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	return all
}
