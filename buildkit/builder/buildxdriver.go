package builder

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/docker/cli/cli/connhelper/commandconn"
	"github.com/moby/buildkit/client"

	"github.com/regpass/regpass"
)

// drivers are the kinds of builders that buildx makes, with the functions that reach a node of each.
var drivers = []struct {
	name  string
	reach func(context.Context, *regpass.Env, node) (candidate, error)
}{
	{"docker-container", reachContainer},
	{"kubernetes", reachPod},
	{"remote", reachRemote},
	{"docker", reachDocker},
	{"", reachDocker}, // a builder that buildx makes of a docker context
}

// candidate is the builder's first node. A build on several nodes at once is left to buildx.
func (b nodeGroup) candidate(ctx context.Context, env *regpass.Env) (candidate, error) {
	for _, d := range drivers {
		if d.name != b.Driver {
			continue
		}
		w, err := d.reach(ctx, env, b.Nodes[0])
		if err != nil {
			return candidate{}, fmt.Errorf("builder %s: %w", regpass.Quote(b.Name), err)
		}
		w.named, w.foundBy = true, "the buildx builder "+b.Name
		if w.hint == "" {
			w.hint = "start it: `docker buildx inspect --bootstrap " + b.Name + "`"
		}
		return w, nil
	}
	return candidate{}, regpass.Hintf(fmt.Errorf("builder %s has the driver %s, which is not known here",
		regpass.Quote(b.Name), regpass.Quote(b.Driver)),
		"name another with --builder, or the address of a BuildKit with --addr")
}

// nodeName matches a name that a container or a pod can have.
var nodeName = regpass.Pattern(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

// reachContainer talks to the BuildKit in the container that buildx names after the node (driver/driver.go).
func reachContainer(_ context.Context, _ *regpass.Env, n node) (candidate, error) {
	if !nodeName().MatchString(n.Name) {
		return candidate{}, fmt.Errorf("%s can be no node's name", regpass.Quote(n.Name))
	}
	docker := []string{"--context", n.Endpoint}
	switch {
	case strings.Contains(n.Endpoint, "://"):
		docker[0] = "--host"
	case n.Endpoint == "" || n.Endpoint == "default":
		docker = nil
	}
	name := "buildx_buildkit_" + n.Name
	return byCommand("docker-container://"+name, "docker",
		append(docker, "exec", "-i", name, "buildctl", "dial-stdio")...), nil
}

// reachPod talks to the BuildKit in the first running pod of the node's deployment, whose name buildx writes into the
// node's endpoint: kubernetes:///BUILDER?deployment=NODE&kubeconfig=FILE (builder.Create).
func reachPod(ctx context.Context, env *regpass.Env, n node) (candidate, error) {
	if !nodeName().MatchString(n.Name) {
		return candidate{}, fmt.Errorf("%s can be no node's name", regpass.Quote(n.Name))
	}
	var kubectl []string
	if u, err := url.Parse(n.Endpoint); err == nil && u.Query().Get("kubeconfig") != "" {
		kubectl = append(kubectl, "--kubeconfig="+u.Query().Get("kubeconfig"))
	}
	if ns := n.DriverOpts["namespace"]; ns != "" {
		kubectl = append(kubectl, "--namespace="+ns)
	}
	app := strings.ReplaceAll(n.Name, "_", "-")
	out, err := env.Run(ctx, nil, "kubectl",
		append(slices.Clone(kubectl), "get", "pods", "--selector=app="+app, "--field-selector=status.phase=Running",
			"--output=name")...)
	if err != nil {
		return candidate{}, regpass.Hintf(fmt.Errorf("kubectl get pods: %w", err),
			"regpass reaches Kubernetes through kubectl, which must be installed and logged in")
	}
	pods := strings.Fields(string(out))
	if len(pods) == 0 {
		return candidate{}, regpass.Hintf(fmt.Errorf("no pod of %s runs", app),
			"start it: `docker buildx inspect --bootstrap`")
	}
	slices.Sort(pods)
	return byCommand("kube-"+pods[0], "kubectl",
		append(kubectl, "exec", "-i", pods[0], "--", "buildctl", "dial-stdio")...), nil
}

// reachRemote talks to a BuildKit at an address, with TLS where the node's options name certificates.
func reachRemote(_ context.Context, _ *regpass.Env, n node) (candidate, error) {
	w := candidate{address: n.Endpoint,
		hint: "is buildkitd running there? If it speaks TLS, make the builder anew with cacert, cert and key as --driver-opt"}
	var opts []client.ClientOpt
	ca, cert, key, name := n.DriverOpts["cacert"], n.DriverOpts["cert"], n.DriverOpts["key"], n.DriverOpts["servername"]
	for _, file := range []string{ca, cert, key} {
		if file != "" && !filepath.IsAbs(file) {
			return candidate{}, fmt.Errorf("the certificate file %s is not an absolute path", regpass.Quote(file))
		}
	}
	switch {
	case ca == "" && cert == "" && key == "" && name == "":
	case ca == "" || (cert == "") != (key == ""):
		return candidate{}, regpass.Hintf(fmt.Errorf("TLS needs cacert, and cert and key only together"),
			"make the builder anew with all of them as --driver-opt")
	default:
		if u, err := url.Parse(n.Endpoint); name == "" && err == nil {
			name = u.Hostname()
		}
		w.hint = fmt.Sprintf("is buildkitd running there? Its certificate must be for %s, and signed by an authority "+
			"in %s; if it asks who calls, ", regpass.Quote(name), regpass.Quote(ca))
		opts = append(opts, client.WithServerConfig(name, ca))
		if cert != "" {
			w.hint += "it must trust the one in " + regpass.Quote(cert)
			opts = append(opts, client.WithCredentials(cert, key))
		} else {
			w.hint += "make the builder anew with cert and key as --driver-opt"
		}
	}
	w.dial = func(ctx context.Context) (*client.Client, error) { return client.New(ctx, n.Endpoint, opts...) }
	return w, nil
}

// reachDocker talks to the BuildKit inside the Docker daemon of a context or at a host.
func reachDocker(_ context.Context, env *regpass.Env, n node) (candidate, error) {
	var d Docker
	var err error
	switch {
	case n.Endpoint == "":
		d, err = CurrentDocker(env)
	case strings.Contains(n.Endpoint, "://"):
		d, err = dockerAt(env, n.Endpoint)
	default:
		d, err = DockerContext(env, n.Endpoint)
	}
	if err != nil {
		return candidate{}, err
	}
	return d.candidate()
}

// byCommand speaks to a BuildKit through the standard streams of a command. The command lives until the connection
// is closed, so it is not bound to the context of the dial.
func byCommand(address, name string, args ...string) candidate {
	dial := client.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		return commandconn.New(context.WithoutCancel(ctx), name, args...)
	})
	return candidate{address: address,
		dial: func(ctx context.Context) (*client.Client, error) { return client.New(ctx, "", dial) }}
}
