package inject

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"google.golang.org/protobuf/proto"

	"github.com/regpass/regpass/buildkit/secret"
)

// toInject is what a store may offer.
var toInject = []secret.Secret{
	{ID: "pyx_auth_token", Use: secret.ForClient, Env: "PYX_AUTH_TOKEN", Hosts: []string{"api.pyx.dev"}},
	{ID: "uv_index_acme_password", Use: secret.ForClient, Env: "UV_INDEX_ACME_PASSWORD", Hosts: []string{"acme.test"}},
	{ID: "netrc", Use: secret.ForClient, Target: "/run/secrets/netrc", Var: "NETRC", Hosts: []string{"acme.test"}},
	{ID: "rattler", Use: secret.ForClient, Target: "/run/secrets/rattler", Var: "RATTLER_AUTH_FILE",
		Hosts: []string{"prefix.dev"}},
	{ID: "uv", Use: secret.ForStep, Target: "/run/regpass-uv/credentials.toml", Var: "UV_CREDENTIALS_DIR",
		Dir: "/run/regpass-uv", Hosts: []string{"acme.test", "bearer.test"}},
	{ID: "acme.test", Use: secret.ForStep, Target: "/run/secrets/acme.test", Hosts: []string{"acme.test"}},
	{ID: "HTTP_AUTH_TOKEN_acme.test", Use: secret.ForDaemon, Hosts: []string{"acme.test"}},
}

// run adds what the Dockerfile frontend makes of RUN.
func run(s llb.State, text string, opts ...llb.RunOption) llb.State {
	opts = append([]llb.RunOption{
		llb.Args(sh(text)), llb.WithCustomName("[x] RUN " + text),
		llb.WithDescription(map[string]string{instructionKey: "RUN " + text}),
	}, opts...)
	return s.Run(opts...).Root()
}

func marshal(t testing.TB, s llb.State) *pb.Definition {
	t.Helper()
	def, err := s.Marshal(context.Background(), llb.LinuxAmd64)
	if err != nil {
		t.Fatal(err)
	}
	return def.ToPB()
}

func rewrite(t *testing.T, i *Injector, def *pb.Definition) *pb.Definition {
	t.Helper()
	before := def.CloneVT()
	out, err := i.Rewrite(def)
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(def, before) {
		t.Error("the definition itself was changed")
	}
	return out
}

// steps are the RUN steps of a definition by name. It checks that the definition hangs together.
func steps(t *testing.T, def *pb.Definition) map[string]*pb.ExecOp {
	t.Helper()
	have, execs := map[string]bool{}, map[string]*pb.ExecOp{}
	for _, dt := range def.Def {
		var op pb.Op
		if err := op.Unmarshal(dt); err != nil {
			t.Fatal(err)
		}
		for _, in := range op.Inputs {
			if !have[in.Digest] {
				t.Errorf("%v has an input that is not there before", &op)
			}
		}
		dgst := string(digest.FromBytes(dt))
		have[dgst] = true
		md := def.Metadata[dgst]
		if md == nil {
			t.Errorf("%v has no metadata", &op)
		}
		if op.GetExec() != nil {
			_, command, _ := strings.Cut(md.Description[stepNameKey], "RUN ")
			execs[command] = op.GetExec()
		}
	}
	for dgst := range def.Metadata {
		if !have[dgst] {
			t.Errorf("there is metadata for %s, which there is not", dgst)
		}
	}
	for dgst := range def.Source.GetLocations() {
		if !have[dgst] {
			t.Errorf("there is a location for %s, which there is not", dgst)
		}
	}
	return execs
}

func TestInject(t *testing.T) {
	base := llb.Image("docker.io/library/python:3.12")
	for _, c := range []struct {
		name, text string
		opts       []llb.RunOption
		scripts    bool
		want       string // secretenv, mounts with owner, variables that point at them
		report     *Step
	}{
		{name: "nothing", text: "apt-get update"},
		{name: "pip", text: "pip install x",
			want:   "netrc@/run/secrets/netrc 0:0 0400; NETRC=/run/secrets/netrc",
			report: &Step{"[x] RUN pip install x", []string{"pip"}, []string{"netrc"}, nil}},
		{name: "uv", text: "uv sync",
			want: "PYX_AUTH_TOKEN=pyx_auth_token; netrc@/run/secrets/netrc " +
				"0:0 0400; NETRC=/run/secrets/netrc; " +
				"tmpfs@/run/regpass-uv; uv@/run/regpass-uv/credentials.toml 0:0 0400; UV_CREDENTIALS_DIR=/run/regpass-uv",
			report: &Step{"[x] RUN uv sync", []string{"uv"}, []string{"pyx_auth_token", "netrc", "uv"},
				nil}},
		{name: "pixi", text: "pixi install",
			want: "netrc@/run/secrets/netrc 0:0 0400; NETRC=/run/secrets/netrc; rattler@/run/secrets/rattler 0:0 0400; " +
				"RATTLER_AUTH_FILE=/run/secrets/rattler",
			report: &Step{"[x] RUN pixi install", []string{"pixi"}, []string{"netrc", "rattler"}, nil}},
		{name: "USER by number", text: "pip install x", opts: []llb.RunOption{llb.User("1000:100")},
			want:   "netrc@/run/secrets/netrc 1000:100 0400; NETRC=/run/secrets/netrc",
			report: &Step{"[x] RUN pip install x", []string{"pip"}, []string{"netrc"}, nil}},
		{name: "USER by name", text: "pip install x", opts: []llb.RunOption{llb.User("app")},
			want:   "netrc@/run/secrets/netrc 0:0 0444; NETRC=/run/secrets/netrc",
			report: &Step{"[x] RUN pip install x", []string{"pip"}, []string{"netrc"}, nil}},
		{name: "same id mounted", text: "pip install x",
			opts:   []llb.RunOption{llb.AddSecret("/root/.netrc", llb.SecretID("netrc"))},
			want:   "netrc@/root/.netrc 0:0 0400",
			report: &Step{"[x] RUN pip install x", []string{"pip"}, nil, nil}},
		{name: "same target mounted", text: "pip install x",
			opts:   []llb.RunOption{llb.AddSecret("/run/secrets/netrc", llb.SecretID("mine"))},
			want:   "mine@/run/secrets/netrc 0:0 0400",
			report: &Step{"[x] RUN pip install x", []string{"pip"}, nil, nil}},
		{name: "same variable mounted", text: "uv sync", opts: []llb.RunOption{llb.AddEnv("NETRC", "/x"),
			llb.AddEnv("UV_CREDENTIALS_DIR", "/x"), llb.AddEnv("UV_INDEX_ACME_PASSWORD", ""),
			llb.AddSecret("PYX_AUTH_TOKEN", llb.SecretID("mine"), llb.SecretAsEnv(true))},
			want: "PYX_AUTH_TOKEN=mine; NETRC=/x; UV_CREDENTIALS_DIR=/x; " +
				"UV_INDEX_ACME_PASSWORD=",
			report: &Step{"[x] RUN uv sync", []string{"uv"}, nil,
				[]string{"netrc: the step has a NETRC of its own", "uv: the step has a UV_CREDENTIALS_DIR of its own"}}},
		{name: "no network", text: "pip install x", opts: []llb.RunOption{llb.Network(llb.NetModeNone)},
			report: &Step{"[x] RUN pip install x", []string{"pip"}, nil, []string{"it has no network"}}},
		{name: "a trigger of the base image", text: "pip install x",
			opts: []llb.RunOption{llb.WithCustomName("[app 1/3] ONBUILD RUN pip install x")},
			report: &Step{"[app 1/3] ONBUILD RUN pip install x", []string{"pip"}, nil,
				[]string{"it is an ONBUILD trigger of the base image, not a step of this Dockerfile"}}},
		{name: "Windows", text: "pip install x",
			opts:   []llb.RunOption{llb.Platform(ocispecs.Platform{OS: "windows", Architecture: "amd64"})},
			report: &Step{"[x] RUN pip install x", []string{"pip"}, nil, []string{"it runs on Windows"}}},
		{name: "unreadable", text: "pip install 'x",
			report: &Step{"[x] RUN pip install 'x", nil, nil,
				[]string{`its commands cannot be read: "line 1: reached EOF without closing quote ` + "`'`\""}}},
		{name: "a script", text: "./install.sh"},
		{name: "all: a script", text: "./install.sh", scripts: true,
			want: "PYX_AUTH_TOKEN=pyx_auth_token; UV_INDEX_ACME_PASSWORD=uv_index_acme_password; netrc@/run/secrets/netrc " +
				"0:0 0400; NETRC=/run/secrets/netrc; " +
				"rattler@/run/secrets/rattler 0:0 0400; RATTLER_AUTH_FILE=/run/secrets/rattler; tmpfs@/run/regpass-uv; " +
				"uv@/run/regpass-uv/credentials.toml 0:0 0400; UV_CREDENTIALS_DIR=/run/regpass-uv",
			report: &Step{"[x] RUN ./install.sh", []string{"script"},
				[]string{"pyx_auth_token", "uv_index_acme_password", "netrc", "rattler", "uv"}, nil}},
		{name: "all: something else", text: "apt-get update", scripts: true},
		{name: "all: not a RUN", text: "./scan", scripts: true,
			opts: []llb.RunOption{llb.WithDescription(map[string]string{instructionKey: ""})}},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := New(toInject, c.scripts)
			def := marshal(t, run(run(base, c.text, c.opts...), "true"))
			out := rewrite(t, i, def)
			if got := describe(steps(t, out)[c.text]); c.want != "" && got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if c.want == "" && !proto.Equal(out, def) {
				t.Error("it was changed")
			}
			var want []Step
			if c.report != nil {
				want = []Step{*c.report}
			}
			if got := i.Steps(); !reflect.DeepEqual(got, want) {
				t.Errorf("reports %+v", got)
			}
			if again := rewrite(t, New(toInject, c.scripts), def); !proto.Equal(again, out) {
				t.Error("the second time it is another")
			}
			if twice := rewrite(t, i, out); !proto.Equal(twice, out) {
				t.Error("rewritten twice it is another")
			}
			if got := i.Steps(); !reflect.DeepEqual(got, want) {
				t.Errorf("rewritten twice it reports %+v", got)
			}
		})
	}
}

// describe says what a step has besides its root.
func describe(e *pb.ExecOp) string {
	var all []string
	for _, s := range e.Secretenv {
		all = append(all, s.Name+"="+s.ID)
	}
	env := slices.DeleteFunc(slices.Clone(e.Meta.Env), func(kv string) bool { return strings.HasPrefix(kv, "PATH=") })
	for _, m := range e.Mounts {
		switch m.MountType {
		case pb.MountType_TMPFS:
			all = append(all, "tmpfs@"+m.Dest)
		case pb.MountType_SECRET:
			all = append(all, fmt.Sprintf("%s@%s %d:%d %04o", m.SecretOpt.ID, m.Dest, m.SecretOpt.Uid, m.SecretOpt.Gid,
				m.SecretOpt.Mode))
			if i := slices.IndexFunc(env, func(kv string) bool {
				return strings.HasSuffix(kv, "="+m.Dest) || strings.HasSuffix(m.Dest, "/credentials.toml")
			}); i >= 0 {
				all = append(all, env[i])
				env = slices.Delete(env, i, i+1)
			}
		}
	}
	return strings.Join(append(all, env...), "; ")
}

func TestInjectKeepsTheRest(t *testing.T) {
	file := llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", []byte("FROM x\nRUN pip install a\nRUN true\n"))
	at := func(line int32) llb.ConstraintsOpt {
		return file.Location([]*pb.Range{{Start: &pb.Position{Line: line}, End: &pb.Position{Line: line}}})
	}
	base := llb.Image("docker.io/library/python:3.12")
	first := run(base, "pip install a", at(2), llb.IgnoreCache)
	side := run(base, "make")
	def := marshal(t, run(first, "true", at(3)).File(llb.Copy(side, "/a", "/b")))
	out := rewrite(t, New(toInject, false), def)
	if len(out.Def) != len(def.Def) || !reflect.DeepEqual(out.Source.Infos, def.Source.Infos) {
		t.Error("steps or source files are missing")
	}
	same := 0
	for _, dt := range out.Def {
		if slices.ContainsFunc(def.Def, func(b []byte) bool { return string(b) == string(dt) }) {
			same++
		}
	}
	if same != 2 {
		t.Errorf("%d steps are as before, not the image and make", same)
	}
	steps(t, out)
	lines := map[string]int32{}
	for dgst, l := range out.Source.Locations {
		if len(l.Locations) == 0 {
			continue
		}
		lines[out.Metadata[dgst].Description[stepNameKey]] = l.Locations[0].Ranges[0].Start.Line
	}
	if want := map[string]int32{"[x] RUN pip install a": 2, "[x] RUN true": 3}; !reflect.DeepEqual(lines, want) {
		t.Errorf("the steps are at %v", lines)
	}
	for _, md := range out.Metadata {
		given := md.Description[stepNameKey] == "[x] RUN pip install a"
		if md.Caps[string(pb.CapExecMountSecret)] != given || md.IgnoreCache != given {
			t.Errorf("metadata %v", md)
		}
	}
}

func TestInjectNoDefinition(t *testing.T) {
	i := New(toInject, false)
	if out, err := i.Rewrite(nil); out != nil || err != nil {
		t.Error(out, err)
	}
	if out, err := i.Rewrite(&pb.Definition{}); err != nil || len(out.Def) != 0 {
		t.Error(out, err)
	}
	if _, err := i.Rewrite(&pb.Definition{Def: [][]byte{{0xff}}}); err == nil ||
		!strings.HasPrefix(err.Error(), "build: inject: step 0") {
		t.Error(err)
	}
}

func BenchmarkInject(b *testing.B) {
	s := llb.Image("docker.io/library/python:3.12")
	for i := range 100 {
		s = run(s, fmt.Sprintf("set -ex; python -m venv /opt/%d && /opt/%[1]d/bin/pip install --no-cache-dir -r "+
			"requirements-%[1]d.txt && rm -rf /root/.cache", i), llb.AddEnv("A", strings.Repeat("x", 200)))
	}
	def := marshal(b, s)
	for b.Loop() {
		i := New(toInject, true)
		if _, err := i.Rewrite(def); err != nil || len(i.Steps()) != 100 {
			b.Fatal(err)
		}
	}
}
