package plan

import (
	"context"
	"net/netip"
	"strconv"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/builder"
)

// addHosts takes HOST:ADDRESS and HOST=ADDRESS, with several addresses between commas.
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
			if addr == "host-gateway" {
				var err error
				if addr, err = e.HostGateway(ctx); err != nil {
					return err
				}
			}
			addr = strings.TrimSuffix(strings.TrimPrefix(addr, "["), "]")
			if _, err := netip.ParseAddr(addr); err != nil {
				return regpass.Usagef("%s is not an IP address", regpass.Quote(addr))
			}
			all = append(all, host+"="+addr)
		}
	}
	if len(all) > 0 {
		p.Opt.FrontendAttrs["add-hosts"] = strings.Join(all, ",")
	}
	return nil
}

// sizes are docker's units (docker/go-units, RAMInBytes): powers of 1024, with b and ib behind them or not.
var sizes = map[string]int64{"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}

func addShmSize(_ context.Context, _ *regpass.Env, _ builder.Endpoint, o Options, p *Plan) error {
	if o.ShmSize == "" {
		return nil
	}
	digits := strings.TrimRight(strings.ToLower(o.ShmSize), "abcdefghijklmnopqrstuvwxyz ")
	unit := strings.TrimSpace(strings.ToLower(o.ShmSize)[len(digits):])
	if len(unit) > 1 {
		unit = strings.TrimSuffix(strings.TrimSuffix(unit, "b"), "i")
	}
	n, err := strconv.ParseFloat(digits, 64)
	factor, known := sizes[unit]
	if err != nil || !known || n < 0 || n*float64(factor) >= 1<<62 {
		return regpass.Usagef("%s is not a size such as 64m", regpass.Quote(o.ShmSize))
	}
	if n > 0 {
		p.Opt.FrontendAttrs["shm-size"] = strconv.FormatInt(int64(n*float64(factor)), 10)
	}
	return nil
}

// addUlimits takes NAME=SOFT[:HARD].
func addUlimits(_ context.Context, _ *regpass.Env, _ builder.Endpoint, o Options, p *Plan) error {
	var all []string
	for _, text := range o.Ulimits {
		name, limits, _ := strings.Cut(text, "=")
		soft, hard, two := strings.Cut(limits, ":")
		if !two {
			hard = soft
		}
		s, err1 := strconv.ParseInt(soft, 10, 64)
		h, err2 := strconv.ParseInt(hard, 10, 64)
		if name == "" || err1 != nil || err2 != nil || h != -1 && (s > h || s == -1) {
			return regpass.Usagef("%s is not NAME=SOFT[:HARD]", regpass.Quote(text))
		}
		all = append(all, name+"="+soft+":"+hard)
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
		return regpass.Hintf(regpass.Usagef("%s is not default, host or none", regpass.Quote(o.Network)), "BuildKit has no other networks")
	}
	return nil
}
