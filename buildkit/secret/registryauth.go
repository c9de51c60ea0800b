package secret

import (
	"context"
	"fmt"
	"strings"

	"github.com/docker/cli/cli/config/types"
	"github.com/moby/buildkit/session/auth/authprovider"

	"github.com/regpass/regpass"
)

// RegistryAuth is an authprovider.AuthConfigProvider: it answers when BuildKit asks for the credential of a container
// registry. For a host of the sources the credential is minted at that moment, so that a push at the end of a long
// build works too, and shared with the steps. For any other host the answer comes from docker's configuration and its
// credential helpers; if those have none, from Images.
func (s *Store) RegistryAuth(
	ctx context.Context, host string, scope []string, expired authprovider.ExpireCachedAuthCheck,
) (types.AuthConfig, error) {
	for i, src := range s.sources {
		for _, h := range src.hosts() {
			if strings.EqualFold(h, host) {
				return mintAuth(ctx, s.cached[i], h)
			}
		}
	}
	a, err := s.docker(ctx, host, scope, expired)
	if err != nil {
		s.minter.Fail(err) // the build loses the hints
		return types.AuthConfig{}, err
	}
	if a == (types.AuthConfig{}) || a == (types.AuthConfig{ServerAddress: a.ServerAddress}) {
		return s.imageAuth(ctx, host)
	}
	s.env.Mask(regpass.NewSecret(a.Password), regpass.NewSecret(a.IdentityToken), regpass.NewSecret(a.RegistryToken))
	return a, nil
}

// imageAuth answers for a host that nobody named: a base image, a cache, the place that an image is pushed to. Most
// images are public, so without a credential BuildKit goes on without one, and the error is told if the build fails.
func (s *Store) imageAuth(ctx context.Context, host string) (types.AuthConfig, error) {
	if s.Images == nil {
		return types.AuthConfig{}, nil
	}
	s.mu.Lock()
	src, known := s.images[host]
	if !known {
		if ref, ok := s.Images(host); ok {
			src = &cachedSource{ref: ref, minter: s.minter}
		}
		if s.images == nil {
			s.images = map[string]*cachedSource{}
		}
		s.images[host] = src
	}
	s.mu.Unlock()
	if src == nil {
		return types.AuthConfig{}, nil
	}
	a, err := mintAuth(ctx, src, host)
	if err != nil && ctx.Err() == nil {
		return types.AuthConfig{}, nil // src has told the minter
	}
	return a, err
}

var _ authprovider.AuthConfigProvider = (*Store)(nil).RegistryAuth

// mintAuth returns the credential in docker's form. With a user name it is for the registry's token
// service (https://distribution.github.io/distribution/spec/auth/token/); a bearer token without one is sent unchanged.
// An error goes to the builder and its records, so it quotes nothing from outside.
func mintAuth(ctx context.Context, src *cachedSource, host string) (types.AuthConfig, error) {
	cred, err := src.credential(ctx)
	if err != nil {
		return types.AuthConfig{}, fmt.Errorf("regpass: %w", refusal(ctx, host, err))
	}
	switch {
	case cred.Kind == regpass.Bearer && cred.Username == "":
		return types.AuthConfig{RegistryToken: cred.Secret.Reveal()}, nil
	case cred.Kind == regpass.Basic && cred.Username == "": // it would be taken for a refresh token
		return types.AuthConfig{}, fmt.Errorf("regpass: %s: a container registry takes no password without a user name", host)
	case cred.Kind == regpass.Bearer || cred.Kind == regpass.Basic:
		return types.AuthConfig{Username: cred.Username, Password: cred.Secret.Reveal()}, nil
	}
	return types.AuthConfig{}, fmt.Errorf("regpass: %s: a container registry takes no credential of the kind %s", host,
		cred.Kind)
}
