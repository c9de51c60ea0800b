package plan

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/builder"
	"github.com/regpass/regpass/buildkit/dockercfg"
)

// proxyArgs are build arguments that docker takes from its configuration if they are not given.
var proxyArgs = []struct{ name, key string }{
	{"HTTP_PROXY", "httpProxy"}, {"HTTPS_PROXY", "httpsProxy"}, {"NO_PROXY", "noProxy"}, {"FTP_PROXY", "ftpProxy"},
}

// addArgs reads --build-arg. An argument without a value gets that of the variable of its name, if it is set.
func addArgs(_ context.Context, env *regpass.Env, _ builder.Endpoint, o Options, p *Plan) error {
	p.Args = map[string]string{}
	for _, arg := range append([]string{"SOURCE_DATE_EPOCH"}, o.BuildArgs...) {
		name, value, given := strings.Cut(arg, "=")
		if name == "" {
			return regpass.Usagef("an argument has no name")
		}
		if !given {
			if value, given = environ(env, name); !given || value == "" && arg == "SOURCE_DATE_EPOCH" {
				continue
			}
		}
		p.Args[name] = value
	}
	proxies, err := dockercfg.Proxies(env)
	if err != nil {
		return err
	}
	for _, a := range proxyArgs {
		given := func(name string) bool { return strings.EqualFold(name, a.name) }
		if proxies[a.key] != "" && !slices.ContainsFunc(slices.Collect(maps.Keys(p.Args)), given) {
			p.Args[a.name] = proxies[a.key]
		}
	}
	if syntax, given := p.Args["BUILDKIT_SYNTAX"]; given {
		source, _, _ := strings.Cut(strings.TrimSpace(syntax), " ")
		if source == "" {
			return regpass.Usagef("BUILDKIT_SYNTAX is empty")
		}
		p.Opt.Frontend = "gateway.v0"
		p.attrs("", map[string]string{"source": source, "cmdline": syntax})
	}
	p.attrs("build-arg:", p.Args)
	return nil
}

// environ returns a variable, which may be set to the empty string.
func environ(env *regpass.Env, name string) (value string, set bool) {
	for _, kv := range env.Environ {
		if n, v, _ := strings.Cut(kv, "="); n == name {
			value, set = v, true
		}
	}
	return value, set
}
