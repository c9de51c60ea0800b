package builder

import (
	"context"

	"github.com/regpass/regpass"
)

// HostGateway is the IP address at which a container of a Docker daemon reaches the daemon's machine (moby,
// builder-next/worker/label).
func (e Endpoint) HostGateway(ctx context.Context) (string, error) {
	workers, err := e.Client.ListWorkers(ctx)
	if err != nil {
		return "", shown(err)
	}
	for _, w := range workers {
		if ip := w.Labels["org.mobyproject.buildkit.worker.moby.host-gateway-ip"]; ip != "" {
			return ip, nil
		}
	}
	return "", regpass.Usagef("only Docker's own BuildKit knows the host-gateway")
}
