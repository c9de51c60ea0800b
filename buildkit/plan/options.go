package plan

import (
	"context"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/builder"
)

// Options are the flags of a build. Each field is the flag of `docker buildx build` of that name, in the form that
// buildx takes.
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

// addFlags adds the options that become a frontend attribute unchanged (BuildKit, frontend/dockerui/config.go).
func addFlags(_ context.Context, _ *regpass.Env, e builder.Endpoint, o Options, p *Plan) error {
	for _, f := range []struct {
		set         bool
		name, value string
	}{
		{o.Target != "", "target", o.Target},
		{o.NoCache, "no-cache", ""},
		{e.Moby, "image-resolve-mode", "local"}, // Docker prefers its own images, unless --pull is set
		{o.Pull, "image-resolve-mode", "pull"},
	} {
		if f.set {
			p.Opt.FrontendAttrs[f.name] = f.value
		}
	}
	p.Opt.AllowedEntitlements = append(p.Opt.AllowedEntitlements, o.Allow...)
	return nil
}
