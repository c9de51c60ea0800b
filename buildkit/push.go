package buildkit

import (
	"context"
	"fmt"
	"strings"

	"github.com/moby/buildkit/session/auth/authprovider"

	"github.com/regpass/regpass/buildkit/builder"
	"github.com/regpass/regpass/buildkit/plan"
)

// pushed sends an image that a Docker daemon holds to its registry, where the daemon's BuildKit can't by itself.
func pushed(
	ctx context.Context, p *plan.Plan, e builder.Endpoint, auth authprovider.AuthConfigProvider, resp map[string]string,
) (Result, error) {
	for _, name := range p.Push {
		a, err := auth(ctx, registryOf(name), nil, nil)
		if err != nil {
			return nil, err
		}
		if err := e.Docker.Push(ctx, name, a); err != nil {
			return nil, fmt.Errorf("build: %w", err)
		}
	}
	return resp, nil
}

// registryOf is the host that an image is pushed to, as docker reads its name: a first part with a dot, a port or
// localhost is a host, everything else is on Docker Hub.
func registryOf(name string) string {
	host, _, ok := strings.Cut(name, "/")
	if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" || host == "docker.io" || host == "index.docker.io" {
		return authprovider.DockerHubRegistryHost
	}
	return host
}
