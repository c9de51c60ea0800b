package builder

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/docker/cli/cli/config/types"
)

// daemon is a Docker daemon: it hands over connections to its BuildKit, and says yes to images.
type daemon struct {
	conns  chan net.Conn
	closed chan struct{}
	stop   sync.Once

	mu     sync.Mutex // guards what follows
	loaded string
	pushed http.Header
	fails  string // what it says in the midst of an answer
}

// Accept, Close and Addr make it the listener of its BuildKit.
func (d *daemon) Accept() (net.Conn, error) {
	select {
	case c := <-d.conns:
		return c, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

func (d *daemon) Close() error {
	d.stop.Do(func() { close(d.closed) })
	return nil
}

func (d *daemon) Addr() net.Addr { return &net.UnixAddr{Name: "docker", Net: "unix"} }

func (d *daemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch r.Method + " " + r.URL.Path {
	case "POST /grpc":
		if r.Header.Get("Upgrade") != "h2c" || r.Header.Get("Connection") != "Upgrade" {
			http.Error(w, `{"message":"no upgrade"}`, http.StatusBadRequest)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
		d.conns <- conn
	case "GET /info":
		_, _ = io.WriteString(w, `{"DriverStatus":[["driver-type","io.containerd.snapshotter.v1"]]}`)
	case "POST /images/load":
		image, _ := io.ReadAll(r.Body)
		d.loaded = string(image)
		_, _ = io.WriteString(w, `{"stream":"Loaded image"}`+d.fails)
	case "POST /images/reg.example/acme/app/push":
		d.pushed = r.Header.Clone()
		d.pushed.Set("tag", r.URL.Query().Get("tag"))
		_, _ = io.WriteString(w, `{"status":"Pushed"}`+d.fails)
	default:
		http.Error(w, `{"message":"page not found"}`, http.StatusNotFound)
	}
}

func newDaemon(t *testing.T, m *machine) *daemon {
	t.Helper()
	d := &daemon{conns: make(chan net.Conn, 4), closed: make(chan struct{})}
	l, err := net.Listen("unix", filepath.Join(m.Dir, "docker.sock"))
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: d}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	serveWorker(t, d, map[string]string{"org.mobyproject.buildkit.worker.snapshotter": "overlayfs"})
	m.Vars["DOCKER_HOST"] = "unix://" + filepath.Join(m.Dir, "docker.sock")
	return d
}

func TestFindReachesTheBuildKitInDocker(t *testing.T) {
	m := newMachine(t)
	newDaemon(t, m)
	meta := func(name string) string {
		sum := sha256.Sum256([]byte(name))
		return ".docker/contexts/meta/" + hex.EncodeToString(sum[:]) + "/meta.json"
	}
	host := m.Vars["DOCKER_HOST"]
	m.File(meta("there"), `{"Name":"there","Endpoints":{"docker":{"Host":"`+host+`"}}}`)
	m.File(".docker/config.json", `{"currentContext":"there"}`)
	m.File(".docker/buildx/instances/inner",
		`{"Name":"inner","Driver":"docker","Nodes":[{"Name":"inner0","Endpoint":"there"}]}`)
	for _, test := range []struct {
		name, from string
		vars       map[string]string
		ask        Ask
	}{
		{"by DOCKER_HOST", "Docker", map[string]string{"DOCKER_HOST": host}, Ask{}},
		{"by DOCKER_CONTEXT", "the docker context there", map[string]string{"DOCKER_CONTEXT": "there"}, Ask{}},
		{"by docker's configuration", "the docker context there", nil, Ask{}},
		{"by --builder CONTEXT", "the docker context there", nil, Ask{Builder: "there"}},
		{"by --builder default", "Docker", map[string]string{"DOCKER_HOST": host}, Ask{Builder: "default"}},
		{"by a builder of the driver docker", "the buildx builder inner", nil, Ask{Builder: "inner"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m.Vars = test.vars
			e, err := find(t.Context(), m.Env(), test.ask, own())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = e.Close() }()
			if e.FoundBy != test.from || e.Address != host || !e.Moby || !e.Containerd {
				t.Errorf("got %+v, want %s", e, test.from)
			}
		})
	}
}

func TestDockerTakesImages(t *testing.T) {
	m := newMachine(t)
	daemon := newDaemon(t, m)
	d, err := CurrentDocker(m.Env())
	if err != nil {
		t.Fatal(err)
	}
	if oci, err := d.TakesOCI(t.Context()); err != nil || !oci {
		t.Errorf("takes OCI: %v %v", oci, err)
	}
	w := d.Loader(t.Context())
	if _, err := io.WriteString(w, "an image"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil || daemon.loaded != "an image" {
		t.Errorf("loaded %q: %v", daemon.loaded, err)
	}
	if err := d.Push(t.Context(), "reg.example/acme/app:7", types.AuthConfig{Username: "u", Password: "p"}); err != nil {
		t.Error(err)
	}
	var auth types.AuthConfig
	text, err := base64.URLEncoding.DecodeString(daemon.pushed.Get("X-Registry-Auth"))
	if err := errors.Join(err, json.Unmarshal(text, &auth)); err != nil || auth.Username != "u" || auth.Password != "p" ||
		daemon.pushed.Get("tag") != "7" {
		t.Errorf("pushed with %v %v: %v", auth, daemon.pushed, err)
	}

	daemon.fails = `{"errorDetail":{"message":"no space"},"error":"no space\n::error::x"}`
	w = d.Loader(t.Context())
	_, _ = io.WriteString(w, "an image")
	if err := w.Close(); err == nil || err.Error() != `docker: load the image: "no space\n::error::x"` {
		t.Error(err)
	}
	if err := d.Push(t.Context(), "reg.example/acme/app", types.AuthConfig{}); err == nil ||
		!strings.Contains(err.Error(), "no space") {
		t.Error(err)
	}
	if err := d.Push(t.Context(), "other", types.AuthConfig{}); err == nil ||
		err.Error() != `docker: push "other": 404 Not Found: "page not found"` {
		t.Error(err)
	}
}
