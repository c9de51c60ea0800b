package buildkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/session"
	"github.com/tonistiigi/fsutil"

	"github.com/regpass/regpass"
)

// Options are what a person asks of a build. Each field is the flag of `docker buildx build` of that name, in the form
// that buildx takes it.
type Options struct {
	Context string // folder, git or http URL, or "-": a tar archive or a Dockerfile on standard input

	AddHosts      []string
	Allow         []string
	Annotations   []string
	Attests       []string
	BuildArgs     []string
	BuildContexts []string
	CacheFrom     []string
	CacheTo       []string
	File          string
	Labels        []string
	Load          bool
	Network       string
	NoCache       bool
	Outputs       []string
	Platforms     []string
	Provenance    string
	Pull          bool
	Push          bool
	SBOM          string
	ShmSize       string
	SSH           []string
	Tags          []string
	Target        string
	Ulimits       []string

	NoHistory bool // the daemon keeps no record of the build; --no-history
}

// Plan is a build that is ready to run on one endpoint. Close it when the build is over.
type Plan struct {
	Opt      client.SolveOpt // Secrets and registry credentials are still to be added to Session
	Args     map[string]string
	Labels   map[string]string
	Warnings []string // what is not as asked for, one line each
	push     []string // images that a Docker daemon is to push when it has them, because its BuildKit can't
	archive  string   // the file that keeps a context from standard input, or ""
	undo     []func() error
}

// Close removes what was made for the build.
func (p *Plan) Close() error {
	var errs []error
	for _, undo := range p.undo {
		errs = append(errs, undo())
	}
	p.undo = nil
	return errors.Join(errs...)
}

// part works out a part of a Plan.
type part struct {
	name string
	add  func(context.Context, *regpass.Env, Endpoint, Options, *Plan) error
}

// parts are a Plan's parts, in the order that matters: the exports look at the attributes.
var parts = []part{
	{"--build-arg", addArgs},
	{"--label", func(_ context.Context, _ *regpass.Env, _ Endpoint, o Options, p *Plan) (err error) {
		p.Labels, err = pairs(o.Labels)
		p.attrs("label:", p.Labels)
		return err
	}},
	{"context", addContext},
	{"--build-context", addNamedContexts},
	{"--add-host", addHosts},
	{"--shm-size", addShmSize},
	{"--ulimit", addUlimits},
	{"--network", addNetwork},
	{"--platform", addPlatforms},
	{"--attest", addAttests},
	{"--cache-from", func(_ context.Context, env *regpass.Env, e Endpoint, o Options, p *Plan) (err error) {
		p.Opt.CacheImports, err = caches(env, o.CacheFrom, p)
		return err
	}},
	{"--cache-to", addCacheTo},
	{"--output", addExports},
	{"--annotation", addAnnotations},
	{"--ssh", addSSH},
	{"flags", addFlags},
}

// Plan works out what to ask of the endpoint. It reads a Dockerfile or an archive from standard input where the
// options say so, and asks Docker what it can load. A wrong option is regpass.ErrUsage.
func (o Options) Plan(ctx context.Context, env *regpass.Env, e Endpoint) (*Plan, error) {
	p := &Plan{Opt: client.SolveOpt{
		Frontend: "dockerfile.v0",
		// The client copies into this map whatever comes, so it must not be nil.
		FrontendAttrs: map[string]string{},
		LocalMounts:   map[string]fsutil.FS{},
		Session:       []session.Attachable{},
		Internal:      o.NoHistory,
	}}
	for _, part := range parts {
		if err := part.add(ctx, env, e, o, p); err != nil {
			return nil, errors.Join(fmt.Errorf("build: %s: %w", part.name, err), p.Close())
		}
	}
	return p, nil
}

func (p *Plan) attrs(prefix string, values map[string]string) {
	for name, value := range values {
		p.Opt.FrontendAttrs[prefix+name] = value
	}
}

// addFlags adds the options that are a frontend attribute as they stand (BuildKit, frontend/dockerui/config.go).
func addFlags(_ context.Context, _ *regpass.Env, e Endpoint, o Options, p *Plan) error {
	for _, f := range []struct {
		set         bool
		name, value string
	}{
		{o.Target != "", "target", o.Target},
		{o.NoCache, "no-cache", ""},
		{e.Moby, "image-resolve-mode", "local"}, // a Docker daemon looks at its own images first, unless --pull
		{o.Pull, "image-resolve-mode", "pull"},
	} {
		if f.set {
			p.Opt.FrontendAttrs[f.name] = f.value
		}
	}
	p.Opt.AllowedEntitlements = append(p.Opt.AllowedEntitlements, o.Allow...)
	return nil
}

// proxyArgs are build arguments that docker takes from its configuration where they are not given.
var proxyArgs = []struct{ name, key string }{
	{"HTTP_PROXY", "httpProxy"}, {"HTTPS_PROXY", "httpsProxy"}, {"NO_PROXY", "noProxy"}, {"FTP_PROXY", "ftpProxy"},
}

// addArgs takes the value of an argument that has none from the variable of that name, if it is set.
func addArgs(_ context.Context, env *regpass.Env, _ Endpoint, o Options, p *Plan) error {
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
	proxies, err := dockerProxies(env)
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

// environ is a variable that may be set to nothing.
func environ(env *regpass.Env, name string) (value string, set bool) {
	for _, kv := range env.Environ {
		if n, v, _ := strings.Cut(kv, "="); n == name {
			value, set = v, true
		}
	}
	return value, set
}

// readAll reads what a person pipes in, which is not more than limit bytes.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("more than %d bytes", limit)
	}
	return text, err
}
