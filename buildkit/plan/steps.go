package plan

import (
	"context"
	"net/netip"
	"strconv"
	"strings"

	"github.com/docker/go-units"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/builder"
)

// addHosts reads HOST:ADDRESS and HOST=ADDRESS, with several addresses between commas.
func addHosts(ctx context.Context, _ *regpass.Env, e builder.Endpoint, o Options, p *Plan) error {
	var all []string
	for _, text := range o.AddHosts {
		host, addrs, ok := strings.Cut(text, "=")
		if !ok {
			host, addrs, ok = strings.Cut(text, ":")
		}
		if !ok || host == "" {
			return regpass.Usagef("%s is not HOST:ADDRESS", regpass.Quote(text))
		}
		for addr := range strings.SplitSeq(addrs, ",") {
			ip, err := hostAddress(ctx, e, addr)
			if err != nil {
				return err
			}
			all = append(all, host+"="+ip)
		}
	}
	if len(all) > 0 {
		p.Opt.FrontendAttrs["add-hosts"] = strings.Join(all, ",")
	}
	return nil
}

// hostAddress is the IP address for an address of --add-host: one in brackets or not, or host-gateway.
func hostAddress(ctx context.Context, e builder.Endpoint, addr string) (ip string, err error) {
	if addr == "host-gateway" {
		if addr, err = e.HostGateway(ctx); err != nil {
			return "", err
		}
	}
	ip = strings.TrimSuffix(strings.TrimPrefix(addr, "["), "]")
	if _, err := netip.ParseAddr(ip); err != nil {
		return "", regpass.Usagef("%s is not an IP address", regpass.Quote(ip))
	}
	return ip, nil
}

// maxShmSize bounds the shared memory of a step, in bytes: no machine has as much, and an int64 holds it.
const maxShmSize = 1 << 62

// addShmSize reads a size in docker's units: powers of 1024, with or without b or ib behind them.
func addShmSize(_ context.Context, _ *regpass.Env, _ builder.Endpoint, o Options, p *Plan) error {
	if o.ShmSize == "" {
		return nil
	}
	n, err := units.RAMInBytes(o.ShmSize)
	if err != nil || n < 0 || n >= maxShmSize { // a size that overflows an int64 comes out as any number
		return regpass.Usagef("%s is not a size such as 64m", regpass.Quote(o.ShmSize))
	}
	if n > 0 {
		p.Opt.FrontendAttrs["shm-size"] = strconv.FormatInt(n, 10)
	}
	return nil
}

// addUlimits reads NAME=SOFT[:HARD].
func addUlimits(_ context.Context, _ *regpass.Env, _ builder.Endpoint, o Options, p *Plan) error {
	var all []string
	for _, text := range o.Ulimits {
		limit, err := units.ParseUlimit(text)
		if err != nil {
			return regpass.Hintf(regpass.Usagef("%s is not NAME=SOFT[:HARD]", regpass.Quote(text)),
				"NAME is a limit of `docker run --ulimit`, such as nofile; SOFT must not exceed HARD, and -1 is no limit")
		}
		all = append(all, limit.String())
	}
	if len(all) > 0 {
		p.Opt.FrontendAttrs["ulimit"] = strings.Join(all, ",")
	}
	return nil
}

func addNetwork(_ context.Context, _ *regpass.Env, _ builder.Endpoint, o Options, p *Plan) error {
	switch o.Network {
	case "", "default":
	case "host":
		p.Opt.FrontendAttrs["force-network-mode"] = o.Network
		p.Opt.AllowedEntitlements = append(p.Opt.AllowedEntitlements, "network.host")
	case "none":
		p.Opt.FrontendAttrs["force-network-mode"] = o.Network
	default:
		return regpass.Hintf(regpass.Usagef("%s is not default, host or none", regpass.Quote(o.Network)),
			"BuildKit has no other networks")
	}
	return nil
}
