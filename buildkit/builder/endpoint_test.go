package builder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	control "github.com/moby/buildkit/api/services/control"
	apitypes "github.com/moby/buildkit/api/types"
	"google.golang.org/grpc"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/testenv"
)

// worker is a BuildKit that knows of one worker and nothing else.
type worker struct {
	control.UnimplementedControlServer
	labels map[string]string
}

func (w worker) ListWorkers(context.Context, *control.ListWorkersRequest) (*control.ListWorkersResponse, error) {
	return &control.ListWorkersResponse{Record: []*apitypes.WorkerRecord{{ID: "w", Labels: w.labels}}}, nil
}

// serveWorker answers on l until the test ends.
func serveWorker(t *testing.T, l net.Listener, labels map[string]string) {
	t.Helper()
	s := grpc.NewServer()
	control.RegisterControlServer(s, worker{labels: labels})
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		<-done
	})
}

// machine is a testenv.Machine on which BuildKits run.
type machine struct {
	*testenv.Machine
	t *testing.T
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	return &machine{testenv.NewMachine(t), t}
}

// socket has a BuildKit answer at a socket in the home folder.
func (m *machine) socket(name string) string {
	m.t.Helper()
	path := filepath.Join(m.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		m.t.Fatal(err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		m.t.Fatal(err)
	}
	serveWorker(m.t, l, nil)
	return "unix://" + path
}

// remote makes a buildx builder of the driver remote.
func (m *machine) remote(name, address string) {
	m.t.Helper()
	text, err := json.Marshal(nodeGroup{Name: name, Driver: "remote",
		Nodes: []node{{Name: name + "0", Endpoint: address}}})
	if err != nil {
		m.t.Fatal(err)
	}
	m.File(".docker/buildx/instances/"+name, string(text))
}

// own are the places without the default socket, which this machine may have.
func own() []lookup { return lookups[:len(lookups)-1] }

func TestFindTakesTheFirstPlaceThatNamesOne(t *testing.T) {
	m := newMachine(t)
	m.Vars["DOCKER_HOST"] = "unix://" + filepath.Join(m.Dir, "no-docker.sock")
	key := m.Vars["DOCKER_HOST"]
	hash := sha256.Sum256([]byte(key))
	step := func(from, address string, ask Ask) {
		t.Helper()
		e, err := find(t.Context(), m.Env(), ask, own())
		if err != nil {
			t.Fatalf("want %s: %v", from, err)
		}
		defer func() { _ = e.Close() }()
		if e.FoundBy != from || e.Address != address || e.Moby {
			t.Errorf("got %q at %q (in Docker: %v), want %q at %q", e.FoundBy, e.Address, e.Moby, from, address)
		}
	}
	// Each further one goes before all that are there already.
	m.Vars["XDG_RUNTIME_DIR"] = m.Dir
	step("the default address", m.socket("buildkit/buildkitd.sock"), Ask{})

	byHash := m.socket("hash.sock")
	m.remote("hashed", byHash)
	m.File(".docker/buildx/defaults/"+hex.EncodeToString(hash[:])[:20], "hashed")
	step("the buildx builder hashed", byHash, Ask{})

	current := m.socket("current.sock")
	m.remote("current", current)
	m.File(".docker/buildx/current", `{"Key":"elsewhere","Name":"current","Global":false}`)
	step("the buildx builder hashed", byHash, Ask{})
	m.File(".docker/buildx/current", `{"Key":"`+key+`","Name":"current","Global":false}`)
	step("the buildx builder current", current, Ask{})
	m.File(".docker/buildx/current", `{"Key":"elsewhere","Name":"current","Global":true}`)
	step("the buildx builder current", current, Ask{})

	m.Vars["BUILDX_BUILDER"] = "hashed"
	step("the buildx builder hashed", byHash, Ask{})
	m.Vars["BUILDKIT_HOST"] = m.socket("host.sock")
	step("BUILDKIT_HOST", m.Vars["BUILDKIT_HOST"], Ask{})
	step("the buildx builder current", current, Ask{Builder: "Current"})
	addr := m.socket("addr.sock")
	step("--addr", addr, Ask{Addr: addr, Builder: "current"})
}

func TestFindWritesNothing(t *testing.T) {
	m := newMachine(t)
	m.File(".docker/buildx/current", `{"Key":"","Name":"gone","Global":true}`)
	if _, err := find(t.Context(), m.Env(), Ask{}, own()[:5]); err == nil {
		t.Error("a builder that is gone was found")
	}
	files, err := filepath.Glob(filepath.Join(m.Dir, ".docker", "buildx", "*"))
	if err != nil || len(files) != 1 {
		t.Errorf("%s %v", files, err)
	}
}

func TestFindDoesNotPassOverWhatWasChosen(t *testing.T) {
	for _, test := range []struct {
		name string
		vars map[string]string
		ask  Ask
		make func(*machine)
		want []string
		hint string
	}{
		{name: "nothing there", want: []string{"build: no BuildKit was found; buildx: no builder is chosen", "; Docker: ",
			"rootless buildkitd: "}, hint: "start one"},
		{name: "no socket at --addr", ask: Ask{Addr: "unix:///nowhere/sock"},
			want: []string{`build: --addr: unix:///nowhere/sock: "dial unix /nowhere/sock: `}, hint: "is buildkitd running"},
		{name: "not an address", ask: Ask{Addr: "localhost:1234"},
			want: []string{`build: --addr: "localhost:1234" is not an address`}, hint: "tcp://HOST:PORT"},
		{name: "unknown builder", ask: Ask{Builder: "../evil"},
			want: []string{`build: --builder: there is no builder and no docker context "../evil"`}, hint: "docker buildx ls"},
		{name: "builder that does not answer", vars: map[string]string{"BUILDX_BUILDER": "b"},
			make: func(m *machine) { m.remote("b", "unix:///nowhere/sock") },
			want: []string{`build: the buildx builder b: unix:///nowhere/sock: "dial unix`},
			hint: "is buildkitd running there?"},
		{name: "driver of another world", ask: Ask{Builder: "b"}, make: func(m *machine) {
			m.File(".docker/buildx/instances/b", `{"Name":"b","Driver":"cloud","Nodes":[{"Name":"b0"}]}`)
		}, want: []string{`builder "b" has the driver "cloud", which is not known here`}, hint: "--addr"},
		{name: "half of TLS", ask: Ask{Builder: "b"}, make: func(m *machine) {
			m.File(".docker/buildx/instances/b",
				`{"Name":"b","Driver":"remote","Nodes":[{"Name":"b0","Endpoint":"tcp://h:1",`+
					`"DriverOpts":{"cacert":"/ca","cert":"/cert"}}]}`)
		}, want: []string{"TLS needs cacert, and cert and key only together"}, hint: "--driver-opt"},
		{name: "no certificate", ask: Ask{Builder: "b"}, make: func(m *machine) {
			m.File(".docker/buildx/instances/b",
				`{"Name":"b","Driver":"remote","Nodes":[{"Name":"b0","Endpoint":"tcp://h:1",`+
					`"DriverOpts":{"cacert":"/nowhere/ca"}}]}`)
		}, want: []string{"could not read ca certificate"}, hint: "is buildkitd running there?"},
		{name: "no pod", ask: Ask{Builder: "b"}, make: func(m *machine) {
			m.File(".docker/buildx/instances/b",
				`{"Name":"b","Driver":"kubernetes","Nodes":[{"Name":"my_b0",`+
					`"Endpoint":"kubernetes:///b?deployment=my_b0&kubeconfig=/kube",`+
					`"DriverOpts":{"namespace":"ci"}}]}`)
		}, want: []string{"kubectl --kubeconfig=/kube --namespace=ci get pods --selector=app=my-b0 " +
			"--field-selector=status.phase=Running --output=name"}, hint: "through kubectl"},
		{name: "a node's name that is none", ask: Ask{Builder: "b"}, make: func(m *machine) {
			m.File(".docker/buildx/instances/b", `{"Name":"b","Driver":"docker-container","Nodes":[{"Name":"--help"}]}`)
		}, want: []string{`"--help" can be no node's name`}},
		{name: "broken instance", ask: Ask{Builder: "b"},
			make: func(m *machine) { m.File(".docker/buildx/instances/b", `{`) },
			want: []string{"builder b: unexpected end of JSON input"}},
		{name: "docker context that is gone", vars: map[string]string{"DOCKER_CONTEXT": "x"},
			want: []string{`there is no docker context "x"`}, hint: "docker context ls"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMachine(t)
			m.Vars["XDG_RUNTIME_DIR"] = m.Dir
			m.Vars["DOCKER_HOST"] = "unix:///nowhere/docker.sock"
			if _, ok := test.vars["DOCKER_CONTEXT"]; ok {
				delete(m.Vars, "DOCKER_HOST")
			}
			for k, v := range test.vars {
				m.Vars[k] = v
			}
			if test.make != nil {
				test.make(m)
			}
			_, err := find(t.Context(), m.Env(), test.ask, own())
			if err == nil {
				t.Fatal("it was found")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nlacks %s", err, want)
				}
			}
			if hints := strings.Join(regpass.Hints(err), "\n"); !strings.Contains(hints, test.hint) {
				t.Errorf("the hints %q lack %s", hints, test.hint)
			}
		})
	}
}
