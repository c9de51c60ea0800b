// Package inject finds the steps of a Dockerfile that use a package client, and gives them the secrets that the client
// reads.
package inject

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/moby/buildkit/solver/pb"

	"github.com/regpass/regpass/buildkit/secret"

	digest "github.com/opencontainers/go-digest"

	"github.com/regpass/regpass"
)

// Step lists the secrets that one RUN step was given.
type Step struct {
	Step    string   // as the builder shows it: "[2/5] RUN uv sync"
	Clients []string // the package clients that it runs: Rule.Client; "script" for a program of the project's own
	IDs     []string // of the secrets, in the order of Store.Secrets
	Notes   []string // why it was not given a secret, one clause each
}

// Injector gives secrets to the steps of a Dockerfile that does not mention them. One Injector is for one build.
// Several goroutines may use it, since platforms are built at the same time.
type Injector struct {
	secrets []secret.Secret
	scripts bool // also to steps that run a script

	mu    sync.Mutex
	steps []Step
	seen  map[string]bool // digests of the steps that were looked at, before and after the change
}

// New makes an Injector. A step that runs a package client gets those of the secrets that the client finds by itself.
// If scripts is set, a step that runs a task runner, a program by its path, or a program whose name only the shell
// knows gets all that any client finds.
func New(secrets []secret.Secret, scripts bool) *Injector {
	return &Injector{secrets: secrets, scripts: scripts, seen: map[string]bool{}}
}

// Steps lists the steps that use a package client, each once.
func (i *Injector) Steps() []Step {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.steps)
}

// Rewrite returns def with the secrets in it; def itself is not changed. The same def always gives the same result, so
// that it stays cached, and rewriting a result changes nothing. A secret changes the cache key of a step, and of the
// steps that build on it.
func (i *Injector) Rewrite(def *pb.Definition) (*pb.Definition, error) {
	if def == nil {
		return nil, nil
	}
	out := &pb.Definition{Def: make([][]byte, len(def.Def)), Metadata: maps.Clone(def.Metadata), Source: def.Source}
	renamed := map[string]string{} // digests of steps that changed, old to new
	for n, old := range def.Def {  // inputs come before their users (client/llb/state.go, marshal)
		out.Def[n] = old
		var op pb.Op
		if err := op.Unmarshal(old); err != nil {
			return nil, fmt.Errorf("build: inject: step %d of the definition: %w", n, err)
		}
		changed := false
		for _, in := range op.Inputs {
			if to, ok := renamed[in.Digest]; ok {
				in.Digest, changed = to, true
			}
		}
		from := string(digest.FromBytes(old))
		var caps []string
		var report *Step
		if exec := op.GetExec(); exec != nil {
			caps, report = i.exec(&op, exec, def.Metadata[from])
		}
		to := from
		if changed || len(caps) > 0 {
			dt, err := op.Marshal()
			if err != nil {
				return nil, fmt.Errorf("build: inject: step %d of the definition: %w", n, err)
			}
			to = string(digest.FromBytes(dt))
			out.Def[n], renamed[from] = dt, to
			if md := def.Metadata[from]; md != nil {
				delete(out.Metadata, from)
				out.Metadata[to] = withCaps(md, caps)
			}
		}
		i.report(from, to, report)
	}
	out.Source = relocate(def.Source, renamed)
	return out, nil
}

// withCaps adds capabilities to a step, so that a daemon that lacks one refuses the step with a clear error.
func withCaps(md *pb.OpMetadata, caps []string) *pb.OpMetadata {
	if len(caps) == 0 {
		return md
	}
	md = md.CloneVT()
	if md.Caps == nil {
		md.Caps = map[string]bool{}
	}
	for _, c := range caps {
		md.Caps[c] = true
	}
	return md
}

// relocate keeps the source locations of the steps that changed, so that errors still point at the Dockerfile.
func relocate(src *pb.Source, renamed map[string]string) *pb.Source {
	if src == nil || len(renamed) == 0 {
		return src
	}
	out := &pb.Source{Infos: src.Infos, Locations: make(map[string]*pb.Locations, len(src.Locations))}
	for dgst, at := range src.Locations {
		if to, ok := renamed[dgst]; ok {
			dgst = to
		}
		out.Locations[dgst] = at
	}
	return out
}

// report remembers r, unless the step is known.
func (i *Injector) report(from, to string, r *Step) {
	i.mu.Lock()
	defer i.mu.Unlock()
	known := i.seen[from]
	i.seen[from], i.seen[to] = true, true
	if r != nil && !known {
		i.steps = append(i.steps, *r)
	}
}

// Descriptions that BuildKit's Dockerfile frontend gives its steps (dockerfile2llb/convert.go, dfCmd;
// llb.WithCustomName).
const (
	instructionKey = "com.docker.dockerfile.v1.command"
	stepNameKey    = "llb.customname"
)

// onBuild matches the name that the frontend gives a trigger of a base image: "[app 1/3] ONBUILD RUN uv sync"
// (dockerfile2llb/convert.go, prefixCommand). Only the image's author can see it, so it gets no secret.
var onBuild = regpass.Pattern(`^\[[^]]*\] ONBUILD `)

// exec adds secrets to one step and returns the capabilities that they need, and a report if it runs a package client.
// A step that is no RUN of a Dockerfile, such as an SBOM scanner, gets nothing.
func (i *Injector) exec(op *pb.Op, exec *pb.ExecOp, md *pb.OpMetadata) (caps []string, report *Step) {
	if exec.Meta == nil || !strings.HasPrefix(md.GetDescription()[instructionKey], "RUN") {
		return nil, nil
	}
	u := usageOf(exec.Meta.Args)
	r := &Step{Step: md.GetDescription()[stepNameKey]}
	for _, rule := range u.rules {
		r.Clients = append(r.Clients, rule.Client)
	}
	scripts := i.scripts && (u.scripts || u.unread != nil)
	if scripts {
		r.Clients = append(r.Clients, "script")
	}
	if u.unread != nil {
		r.Notes = append(r.Notes, "its commands cannot be read: "+regpass.Quote(u.unread.Error()))
	}
	switch {
	case len(r.Clients) == 0 && len(r.Notes) == 0:
		return nil, nil
	case onBuild().MatchString(r.Step):
		r.Notes = append(r.Notes, "it is an ONBUILD trigger of the base image, not a step of this Dockerfile")
		return nil, r
	case exec.Network == pb.NetMode_NONE:
		r.Notes = append(r.Notes, "it has no network")
		return nil, r
	case op.GetPlatform().GetOS() == "windows":
		r.Notes = append(r.Notes, "it runs on Windows")
		return nil, r
	}
	m := mounting{exec: exec, caps: map[string]bool{}}
	for _, s := range i.wanted(u.rules, scripts) {
		switch why := m.add(s); why {
		case "":
			r.IDs = append(r.IDs, s.ID)
		case alreadyMounted:
		default:
			r.Notes = append(r.Notes, s.ID+": "+why)
		}
	}
	return slices.Sorted(maps.Keys(m.caps)), r
}

// wanted lists the secrets for a step. A secret of ForStep that has a variable is added only if one of its hosts is in
// none of the other secrets.
func (i *Injector) wanted(rules []Rule, scripts bool) []secret.Secret {
	var all []secret.Secret
	have := map[string]bool{}
	for _, use := range []secret.Use{secret.ForClient, secret.ForStep} {
		for _, s := range i.secrets {
			reads := scripts || slices.ContainsFunc(rules, func(r Rule) bool { return r.wants(s) })
			news := slices.ContainsFunc(s.Hosts, func(h string) bool { return !have[h] })
			if s.Use != use || s.Env+s.Var == "" || !reads || use == secret.ForStep && !news {
				continue
			}
			all = append(all, s)
		}
		for _, s := range all {
			for _, h := range s.Hosts {
				have[h] = true
			}
		}
	}
	return all
}
