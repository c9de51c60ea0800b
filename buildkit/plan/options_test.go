package plan

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/client"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/builder"
	"github.com/regpass/regpass/internal/testenv"
)

// show writes a plan as lines.
func show(p *Plan) string {
	var s strings.Builder
	for _, k := range slices.Sorted(maps.Keys(p.Opt.FrontendAttrs)) {
		fmt.Fprintf(&s, "%s=%s\n", k, p.Opt.FrontendAttrs[k])
	}
	for _, x := range p.Opt.Exports {
		fmt.Fprintf(&s, "export %s dir=%t file=%t", x.Type, x.OutputDir != "", x.Output != nil)
		for _, k := range slices.Sorted(maps.Keys(x.Attrs)) {
			fmt.Fprintf(&s, " %s=%s", k, x.Attrs[k])
		}
		s.WriteByte('\n')
	}
	for kind, all := range map[string][]client.CacheOptionsEntry{"from": p.Opt.CacheImports, "to": p.Opt.CacheExports} {
		for _, c := range all {
			fmt.Fprintf(&s, "cache %s %s", kind, c.Type)
			for _, k := range slices.Sorted(maps.Keys(c.Attrs)) {
				fmt.Fprintf(&s, " %s=%s", k, c.Attrs[k])
			}
			s.WriteByte('\n')
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Opt.LocalMounts)) {
		fmt.Fprintf(&s, "mount %s\n", name)
	}
	for _, a := range p.Opt.AllowedEntitlements {
		fmt.Fprintf(&s, "allow %s\n", a)
	}
	for _, w := range p.Warnings {
		fmt.Fprintf(&s, "warning %s\n", w)
	}
	for _, name := range p.Push {
		fmt.Fprintf(&s, "push %s\n", name)
	}
	return s.String()
}

var (
	buildkitd  = builder.Endpoint{}
	oldDocker  = builder.Endpoint{Moby: true}
	goodDocker = builder.Endpoint{Moby: true, Containerd: true}
)

const (
	always = "attest:provenance=mode=min,inline-only=true\nfilename=Dockerfile\n"
	mounts = "mount context\nmount dockerfile\n"
	lost   = "warning no output is asked for, so the image stays in the builder's cache; --push, --load or --output " +
		"take it out\n"
)

func TestPlan(t *testing.T) {
	for _, test := range []struct {
		name string
		o    Options
		e    builder.Endpoint
		want string
	}{
		{"nothing", Options{}, buildkitd, always + mounts + lost},
		{"nothing, for Docker", Options{Tags: []string{"a"}}, oldDocker,
			"filename=Dockerfile\nimage-resolve-mode=local\nexport moby dir=false file=false name=a\n" + mounts},
		{"nothing, for Docker with containerd", Options{}, goodDocker,
			"attest:provenance=mode=min,inline-only=true\nfilename=Dockerfile\nimage-resolve-mode=local\nexport moby " +
				"dir=false file=false prefer-image-digest=true\n" + mounts},
		{"attributes", Options{
			Target: "t", NoCache: true, Pull: true, Network: "host", ShmSize: "64M",
			Platforms: []string{"linux/amd64,Linux/ARM64"}, Allow: []string{"device"},
			BuildArgs: []string{"A=1=2", "FROM_ENV", "NOT_SET", "EMPTY"}, Labels: []string{"l=v", "m"},
			AddHosts: []string{"a:10.0.0.1", "b=[::1],10.0.0.2"},
			Ulimits:  []string{"nofile=10:20", "core=-1"}, Provenance: "false", SBOM: "generator=scan",
			Attests: []string{"type=sbom,\"x=1,2\""}, Outputs: []string{"type=cacheonly"},
		}, buildkitd,
			"add-hosts=a=10.0.0.1,b=::1,b=10.0.0.2\nattest:sbom=\"x=1,2\"\nbuild-arg:A=1=2\nbuild-arg:EMPTY=\n" +
				"build-arg:FROM_ENV=here\nfilename=Dockerfile\nforce-network-mode=host\nimage-resolve-mode=pull\nlabel:l=v\n" +
				"label:m=\n" +
				"no-cache=\nplatform=linux/amd64,linux/arm64\nshm-size=67108864\ntarget=t\nulimit=nofile=10:20,core=-1:-1\n" +
				mounts + "allow network.host\nallow device\n"},
		{"push", Options{Push: true, Tags: []string{"r.example/a:1", "r.example/a:2"}}, buildkitd,
			always + "export image dir=false file=false name=r.example/a:1,r.example/a:2 push=true unpack=false\n" + mounts},
		{"push, for Docker", Options{Push: true, Tags: []string{"r.example/a:1"}}, oldDocker,
			"filename=Dockerfile\nimage-resolve-mode=local\nexport moby dir=false file=false name=r.example/a:1 unpack=false\n" +
				mounts + "push r.example/a:1\n"},
		{"several outputs, annotated",
			Options{Outputs: []string{"type=registry,name=r.example/a", "out", "type=oci,dest=x.tar", "-"},
				Annotations: []string{"k=v", "index,manifest[linux/amd64]:i=w"}}, buildkitd,
			always + "export image dir=false file=false annotation-index.i=w annotation-manifest[linux/amd64].i=w " +
				"annotation.k=v name=r.example/a push=true unpack=false\n" +
				"export local dir=true file=false\nexport oci dir=false file=true annotation-index.i=w " +
				"annotation-manifest[linux/amd64].i=w annotation.k=v\nexport tar dir=false file=true\n" + mounts},
		{"caches", Options{Outputs: []string{"type=cacheonly"}, CacheFrom: []string{"r.example/cache", "type=gha,scope=x"},
			CacheTo: []string{"type=local,dest=cache,mode=max"}, BuildArgs: []string{"BUILDKIT_INLINE_CACHE=1"}}, buildkitd,
			"attest:provenance=mode=min,inline-only=true\nbuild-arg:BUILDKIT_INLINE_CACHE=1\nfilename=Dockerfile\n" +
				"cache from registry ref=r.example/cache\ncache from gha scope=x token=t url=u\ncache to local dest=DIR/cache " +
				"mode=max\ncache to inline\n" + mounts},
		{"another Dockerfile", Options{File: "sub/My.Dockerfile"}, buildkitd,
			"attest:provenance=mode=min,inline-only=true\ndockerfilekey=dockerfile\nfilename=My.Dockerfile\n" + mounts + lost},
		{"git", Options{Context: "https://git.example/acme/app.git#main", File: "sub/Dockerfile"}, buildkitd,
			"attest:provenance=mode=min,inline-only=true\ncontext=https://git.example/acme/app.git#main\n" +
				"filename=sub/Dockerfile\n" + lost},
		{"another frontend", Options{BuildArgs: []string{"BUILDKIT_SYNTAX=docker/dockerfile:1 x"}}, buildkitd,
			"attest:provenance=mode=min,inline-only=true\nbuild-arg:BUILDKIT_SYNTAX=docker/dockerfile:1 " +
				"x\ncmdline=docker/dockerfile:1 x\nfilename=Dockerfile\nsource=docker/dockerfile:1\n" + mounts + lost},
		{"further contexts",
			Options{BuildContexts: []string{"docker.io/library/python:3.12=docker-image://r.example/python",
				"docker.io/library/base:latest=sub", "context=sub"}}, buildkitd,
			"attest:provenance=mode=min,inline-only=true\ncontext:base=local:base\ncontext:context=local:_context\n" +
				"context:python:3.12=docker-image://r.example/python\nfilename=Dockerfile\n" +
				"frontend.caps=moby.buildkit.frontend.contexts+forward\nsharedkey:localdir:base=sub\n" +
				"sharedkey:localdir:context=sub\nmount _context\nmount base\n" + mounts + lost},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := testenv.NewMachine(t)
			m.File("Dockerfile", "FROM scratch\n")
			m.File("sub/My.Dockerfile", "FROM scratch\n")
			m.Vars["ACTIONS_RUNTIME_TOKEN"], m.Vars["ACTIONS_RESULTS_URL"] = "t", "u"
			env := m.Env()
			env.Environ = []string{"FROM_ENV=here", "EMPTY=", "SOURCE_DATE_EPOCH="}
			if test.o.Context == "" {
				test.o.Context = "."
			}
			p, err := test.o.Plan(t.Context(), env, test.e)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.ReplaceAll(test.want, "DIR", m.Dir)
			if got := sorted(show(p)); got != sorted(want) {
				t.Errorf("got\n%s\nwant\n%s", got, sorted(want))
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// sorted orders lines, for a plan's parts come in no order.
func sorted(text string) string {
	return strings.Join(slices.Sorted(strings.SplitSeq(strings.TrimSpace(text), "\n")), "\n")
}

func TestPlanRefuses(t *testing.T) {
	for _, test := range []struct {
		want string
		o    Options
		e    builder.Endpoint
	}{
		{`build: --network: "bridge" is not default, host or none`,
			Options{Network: "bridge"}, buildkitd},
		{`build: --shm-size: "1x" is not a size such as 64m`,
			Options{ShmSize: "1x"}, buildkitd},
		{`build: --shm-size: "1e30" is not a size such as 64m`,
			Options{ShmSize: "1e30"}, buildkitd},
		{`build: --ulimit: "files=1" is not NAME=SOFT[:HARD]`,
			Options{Ulimits: []string{"files=1"}}, buildkitd},
		{`build: --ulimit: "nofile=2:1" is not NAME=SOFT[:HARD]`,
			Options{Ulimits: []string{"nofile=2:1"}}, buildkitd},
		{`build: --add-host: "example.com" is not an IP address`,
			Options{AddHosts: []string{"a:example.com"}}, buildkitd},
		{`build: --output: an image is pushed by its name; give one with --tag`,
			Options{Push: true}, buildkitd},
		{`build: --output: two outputs go to standard output`,
			Options{Outputs: []string{"-", "type=oci"}}, buildkitd},
		{`build: --output: "dest=x,a=b" has no type`,
			Options{Outputs: []string{"dest=x,a=b"}}, buildkitd},
		{`build: --output: type="local" needs dest=FOLDER`,
			Options{Outputs: []string{"type=local"}}, buildkitd},
		{`build: --output: "." is a folder`,
			Options{Outputs: []string{"type=tar,dest=."}}, buildkitd},
		{`build: --output: this Docker daemon can't write type="oci"`,
			Options{Outputs: []string{"type=oci,dest=x"}}, oldDocker},
		{`build: --platform: this Docker daemon keeps one platform of an image`,
			Options{Platforms: []string{"linux/amd64", "linux/arm64"}}, oldDocker},
		{`build: --attest: this Docker daemon can't keep attestations`,
			Options{SBOM: "true"}, oldDocker},
		{`build: --cache-to: this Docker daemon can't export a cache of type "registry"`,
			Options{CacheTo: []string{"r.example/c"}}, oldDocker},
		{`build: --cache-from: "ref=x" has no type`,
			Options{CacheFrom: []string{"ref=x"}}, buildkitd},
		{`build: --annotation: "wrong" is no type of annotation`,
			Options{Annotations: []string{"wrong:k=v"}}, buildkitd},
		{`build: --build-context: "sub" is not NAME=PLACE`,
			Options{BuildContexts: []string{"sub"}}, buildkitd},
		{`build: context: "nowhere" is no folder here`,
			Options{Context: "nowhere"}, buildkitd},
		{`build: context: standard input can be the context or the Dockerfile, not both`,
			Options{Context: "-", File: "-"}, buildkitd},
		{`build: context: standard input is a Dockerfile, and --file names another`,
			Options{Context: "-", File: "x"}, buildkitd},
		{`build: --build-arg: BUILDKIT_SYNTAX is empty`,
			Options{BuildArgs: []string{"BUILDKIT_SYNTAX="}}, buildkitd},
		{`build: --output: a part of it is not key=value`,
			Options{Outputs: []string{"a,b"}}, buildkitd},
		{`build: --build-arg: an argument has no name`,
			Options{BuildArgs: []string{"=x"}}, buildkitd},
		{`build: --output: this Docker daemon can't push by digest`,
			Options{Tags: []string{"a"}, Outputs: []string{"type=image,push=true,push-by-digest=true"}}, oldDocker},
	} {
		m := testenv.NewMachine(t)
		if test.o.Context == "" {
			test.o.Context = "."
		}
		_, err := test.o.Plan(t.Context(), m.Env(), test.e)
		if !errors.Is(err, regpass.ErrUsage) || err.Error() != test.want {
			t.Errorf("got %v\nwant %s", err, test.want)
		}
	}
}

func TestPlanReadsStandardInput(t *testing.T) {
	m := testenv.NewMachine(t)
	env := m.Env()
	env.Stdin = strings.NewReader("FROM scratch\n")
	p, err := Options{Context: "-"}.Plan(t.Context(), env, buildkitd)
	if err != nil {
		t.Fatal(err)
	}
	f, err := p.Opt.LocalMounts["dockerfile"].Open("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err := errors.Join(err, f.Close()); err != nil || string(text) != "FROM scratch\n" ||
		p.Opt.FrontendAttrs["dockerfilekey"] != "dockerfile" {
		t.Errorf("%q %v %v", text, err, p.Opt.FrontendAttrs)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(m.Dir, "regpass-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %s %v", left, err)
	}
}
