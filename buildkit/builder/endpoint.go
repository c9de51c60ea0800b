// Package builder finds the BuildKit, or the Docker daemon, that a build runs on, and speaks to it.
package builder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
	_ "github.com/moby/buildkit/client/connhelper/dockercontainer" // docker-container://
	_ "github.com/moby/buildkit/client/connhelper/kubepod"         // kube-pod://
	_ "github.com/moby/buildkit/client/connhelper/npipe"           // npipe://
	_ "github.com/moby/buildkit/client/connhelper/podmancontainer" // podman-container://
	_ "github.com/moby/buildkit/client/connhelper/ssh"             // ssh://
	"github.com/moby/buildkit/util/appdefaults"

	"github.com/regpass/regpass"
)

// dialTimeout is how long a BuildKit may take to answer the first time: a pod or a host behind ssh is slow to reach.
const dialTimeout = 20 * time.Second

// Ask is how a person named the BuildKit to use; both may be empty.
type Ask struct {
	Addr    string // an address as buildctl takes it: unix://, tcp://, docker-container://, kube-pod://, ssh://, …
	Builder string // name of a buildx builder or of a docker context
}

// Endpoint is a BuildKit that answered. Close it after use.
type Endpoint struct {
	FoundBy    string // the lookup that found it: "BUILDKIT_HOST"
	Address    string // where it is, for people
	Moby       bool   // it is part of a Docker daemon, which keeps the images
	Containerd bool   // Moby only: the daemon keeps images in containerd; see ImageStore
	Docker     Docker // Moby only: the daemon
	Client     *client.Client
}

// Close ends the connection.
func (e Endpoint) Close() error { return e.Client.Close() }

// ImageStore reports whether images are kept whole, with all platforms and attestations, so that they can be exported
// and cached. A standalone BuildKit keeps them so, and a Docker daemon with containerd's image store does too. Docker's
// older storage keeps the files of one platform.
func (e Endpoint) ImageStore() bool { return !e.Moby || e.Containerd }

// candidate is a BuildKit that a lookup named and that has not answered yet.
type candidate struct {
	foundBy, address string
	docker           *Docker // the daemon that it is part of, or nil
	named            bool    // the user chose it: if it does not answer, no other takes its place
	hint             string  // the next step if it does not answer
	dial             func(context.Context) (*client.Client, error)
}

// errSkip: this lookup names no BuildKit, so the next is tried. why is empty if the user did not ask for this one.
// Every other error of a lookup ends the search: a BuildKit that was chosen and does not work is never passed over.
type errSkip struct{ why string }

func (a errSkip) Error() string { return a.why }

// lookup is one way to find a BuildKit.
type lookup struct {
	title string
	find  func(context.Context, *regpass.Env, Ask) (candidate, error)
}

// lookups are the ways to find a BuildKit, best first.
var lookups = []lookup{
	{"--addr", func(_ context.Context, _ *regpass.Env, ask Ask) (candidate, error) {
		return address("--addr", ask.Addr)
	}},
	{"--builder", func(ctx context.Context, env *regpass.Env, ask Ask) (candidate, error) {
		if ask.Builder == "" {
			return candidate{}, errSkip{}
		}
		return namedBuilder(ctx, env, ask.Builder)
	}},
	{"BUILDKIT_HOST", func(_ context.Context, env *regpass.Env, _ Ask) (candidate, error) {
		return address("BUILDKIT_HOST", env.Getenv("BUILDKIT_HOST"))
	}},
	{"BUILDX_BUILDER", func(ctx context.Context, env *regpass.Env, _ Ask) (candidate, error) {
		if env.Getenv("BUILDX_BUILDER") == "" {
			return candidate{}, errSkip{}
		}
		return namedBuilder(ctx, env, env.Getenv("BUILDX_BUILDER"))
	}},
	{"buildx", func(ctx context.Context, env *regpass.Env, _ Ask) (candidate, error) { return currentBuilder(ctx, env) }},
	{"Docker", func(_ context.Context, env *regpass.Env, _ Ask) (candidate, error) {
		d, err := CurrentDocker(env)
		if err != nil {
			return candidate{}, err
		}
		return d.candidate()
	}},
	{"rootless buildkitd", func(_ context.Context, env *regpass.Env, _ Ask) (candidate, error) {
		dir := env.Getenv("XDG_RUNTIME_DIR")
		if dir == "" {
			return candidate{}, errSkip{}
		}
		return socket("unix://" + filepath.Join(dir, "buildkit", "buildkitd.sock"))
	}},
	{"buildkitd", func(context.Context, *regpass.Env, Ask) (candidate, error) { return socket(appdefaults.Address) }},
}

// Find returns the BuildKit that ask, the variables or this machine name. If a BuildKit that was chosen by name does
// not answer, that is an error. If none answers, the error lists all lookups and why each failed.
func Find(ctx context.Context, env *regpass.Env, ask Ask) (Endpoint, error) {
	return find(ctx, env, ask, lookups)
}

func find(ctx context.Context, env *regpass.Env, ask Ask, lookups []lookup) (Endpoint, error) {
	var tried []string
	for _, p := range lookups {
		w, err := p.find(ctx, env, ask)
		var none errSkip
		if errors.As(err, &none) {
			if none.why != "" {
				tried = append(tried, p.title+": "+none.why)
			}
			continue
		}
		if err != nil {
			return Endpoint{}, fmt.Errorf("build: %s: %w", p.title, err)
		}
		e, err := w.connect(ctx)
		switch {
		case err == nil:
			return e, nil
		case w.named || ctx.Err() != nil:
			return Endpoint{}, regpass.Hintf(fmt.Errorf("build: %s: %s: %w", w.foundBy, w.address, err), "%s", w.hint)
		}
		tried = append(tried, fmt.Sprintf("%s: %s: %v", p.title, w.address, err))
	}
	return Endpoint{}, regpass.Hintf(fmt.Errorf("build: no BuildKit was found; %s", strings.Join(tried, "; ")),
		"start one (`docker buildx create --use --bootstrap`, or `buildkitd` as root), or name one that runs: "+
			"--addr tcp://HOST:1234")
}

// connect dials w and asks for its workers. The words of a daemon in an error are quoted.
func (w candidate) connect(ctx context.Context) (Endpoint, error) {
	c, err := w.dial(ctx)
	if err != nil {
		return Endpoint{}, shown(err)
	}
	ask, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	workers, err := c.ListWorkers(ask)
	if err != nil {
		_ = c.Close()
		return Endpoint{}, shown(err)
	}
	e := Endpoint{FoundBy: w.foundBy, Address: w.address, Client: c}
	if w.docker != nil {
		e.Moby, e.Docker = true, *w.docker
	}
	for _, worker := range workers {
		// Docker's own worker has this label only where it builds on containerd (buildx, driver/docker).
		_, e.Containerd = worker.Labels["org.mobyproject.buildkit.worker.snapshotter"]
	}
	return e, nil
}

// address is the candidate that a setting names by its address.
func address(from, addr string) (candidate, error) {
	if addr == "" {
		return candidate{}, errSkip{}
	}
	if !strings.Contains(addr, "://") {
		return candidate{}, regpass.Hintf(regpass.Usagef("%s is not an address", regpass.Quote(addr)),
			"write unix:///PATH, tcp://HOST:PORT, docker-container://NAME, kube-pod://NAME or ssh://USER@HOST")
	}
	hint := "is buildkitd running there, and may this user reach it?"
	if strings.HasPrefix(addr, "tcp://") {
		hint += " One that speaks TLS needs a builder: `docker buildx create --driver remote --driver-opt " +
			"cacert=FILE,cert=FILE,key=FILE " + addr + "`, and then --builder"
	}
	return candidate{foundBy: from, address: addr, named: true, hint: hint,
		dial: func(ctx context.Context) (*client.Client, error) { return client.New(ctx, addr) }}, nil
}

// socket is the candidate at a default address of buildkitd.
func socket(addr string) (candidate, error) {
	path, unix := strings.CutPrefix(addr, "unix://")
	if unix {
		if _, err := os.Stat(path); err != nil {
			return candidate{}, errSkip{err.Error()}
		}
	}
	return candidate{foundBy: "the default address", address: addr,
		dial: func(ctx context.Context) (*client.Client, error) { return client.New(ctx, addr) }}, nil
}
