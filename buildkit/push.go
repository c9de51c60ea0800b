package buildkit

import (
	"context"
	"fmt"
	"strings"

	"github.com/moby/buildkit/session/auth/authprovider"

	"github.com/regpass/regpass/buildkit/builder"
	"github.com/regpass/regpass/buildkit/plan"
)

// push has the Docker daemon push the images that its BuildKit can't push.
func push(ctx context.Context, p *plan.Plan, e builder.Endpoint, auth authprovider.AuthConfigProvider) error {
	for _, name := range p.Push {
		a, err := auth(ctx, registryOf(name), nil, nil)
		if err != nil {
			return err
		}
		if err := e.Docker.Push(ctx, name, a); err != nil {
			return fmt.Errorf("build: %w", err)
		}
	}
	return nil
}

// registryOf is the host that an image is pushed to, as docker reads its name. A first part with a dot or a port, or
// localhost, is a host; any other image is on Docker Hub.
func registryOf(name string) string {
	host, _, ok := strings.Cut(name, "/")
	if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" || host == "docker.io" || host == "index.docker.io" {
		return authprovider.DockerHubRegistryHost
	}
	return host
}
