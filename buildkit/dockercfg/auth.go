package dockercfg

import (
	"cmp"
	"context"
	"fmt"

	"github.com/docker/cli/cli/config/types"
	"github.com/moby/buildkit/session/auth/authprovider"

	"github.com/regpass/regpass"
)

// Auth returns the credentials for container registries in docker's configuration and its credential helpers. Errors
// are quoted.
func Auth(env *regpass.Env) (authprovider.AuthConfigProvider, error) {
	c, err := load(env)
	if err != nil {
		return nil, err
	}
	stored := authprovider.LoadAuthConfig(c)
	return func(
		ctx context.Context, host string, scope []string, expired authprovider.ExpireCachedAuthCheck,
	) (types.AuthConfig, error) {
		a, err := stored(ctx, host, scope, expired)
		if err == nil {
			return a, nil
		}
		err = fmt.Errorf("build: docker's credential for %s: %w", regpass.Quote(host), quoted{err})
		helper := cmp.Or(c.CredentialHelpers[host], c.CredentialsStore)
		if helper == "" {
			return types.AuthConfig{}, err
		}
		return types.AuthConfig{}, regpass.Hintf(err, "%s names the credential helper %s: try `docker login %s`, or take "+
			"the helper out of that file", c.GetFilename(), regpass.Quote("docker-credential-"+helper), host)
	}, nil
}

// quoted is an error with the words of a file or a credential helper, quoted.
type quoted struct{ error }

func (q quoted) Error() string { return regpass.Quote(q.error.Error()) }
func (q quoted) Unwrap() error { return q.error }
