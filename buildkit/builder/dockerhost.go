package builder

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	"github.com/regpass/regpass/buildkit/dockercfg"

	dockerhelper "github.com/docker/cli/cli/connhelper"
	"github.com/moby/buildkit/client/connhelper"

	"github.com/regpass/regpass"
)

// Docker is a Docker daemon, which may not run.
type Docker struct {
	context            string // name of its docker context; "default" if none is chosen
	Host               string // as DOCKER_HOST has it
	certs              string // folder with ca.pem, cert.pem and key.pem, or ""
	insecureSkipVerify bool   // the server's certificate is not checked
}

// key is the name under which buildx remembers the daemon: its context, otherwise its address.
func (d Docker) key() string {
	if d.context != "default" {
		return d.context
	}
	return d.Host
}

// CurrentDocker is the daemon that the docker command would use: DOCKER_HOST, DOCKER_CONTEXT, the context that was
// chosen with `docker context use`, otherwise the daemon on this machine.
func CurrentDocker(env *regpass.Env) (Docker, error) {
	if host := env.Getenv("DOCKER_HOST"); host != "" {
		return dockerAt(env, host)
	}
	name := env.Getenv("DOCKER_CONTEXT")
	if name == "" {
		var c struct{ CurrentContext string }
		text, err := dockercfg.Read(filepath.Join(dockercfg.Dir(env), "config.json"))
		if err == nil {
			err = json.Unmarshal(text, &c)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Docker{}, fmt.Errorf("docker's configuration: %w", err)
		}
		name = c.CurrentContext
	}
	if name != "" && name != "default" {
		d, err := DockerContext(env, name)
		if errors.Is(err, fs.ErrNotExist) {
			return Docker{}, regpass.Hintf(fmt.Errorf("there is no docker context %s", regpass.Quote(name)),
				"`docker context ls` lists them")
		}
		return d, err
	}
	host := "unix:///var/run/docker.sock"
	if runtime.GOOS == "windows" {
		host = "npipe:////./pipe/docker_engine"
	}
	return dockerAt(env, host)
}

// dockerAt is the daemon at an address, with TLS if docker's own variables ask for it.
func dockerAt(env *regpass.Env, host string) (Docker, error) {
	d := Docker{context: "default", Host: host}
	if _, on := env.Lookup("DOCKER_TLS_VERIFY", "DOCKER_TLS"); on != "" {
		d.certs, d.insecureSkipVerify = env.Getenv("DOCKER_CERT_PATH"), env.Getenv("DOCKER_TLS_VERIFY") == ""
		if d.certs == "" {
			d.certs = dockercfg.Dir(env)
		}
	}
	return d, nil
}

// DockerContext reads a context as docker keeps it (docker/cli, cli/context/store). A missing one is
// fs.ErrNotExist.
func DockerContext(env *regpass.Env, name string) (Docker, error) {
	if name == "default" {
		return CurrentDocker(&regpass.Env{Home: env.Home, Getenv: func(v string) string {
			if v == "DOCKER_CONTEXT" {
				return "default"
			}
			return env.Getenv(v)
		}})
	}
	sum := sha256.Sum256([]byte(name))
	dir := filepath.Join(dockercfg.Dir(env), "contexts")
	text, err := dockercfg.Read(filepath.Join(dir, "meta", hex.EncodeToString(sum[:]), "meta.json"))
	if err != nil {
		return Docker{}, err
	}
	var meta struct {
		Endpoints struct {
			Docker struct {
				Host          string
				SkipTLSVerify bool
			}
		}
	}
	if err := json.Unmarshal(text, &meta); err != nil {
		return Docker{}, fmt.Errorf("docker context %s: %w", regpass.Quote(name), err)
	}
	d := Docker{context: name, Host: meta.Endpoints.Docker.Host, insecureSkipVerify: meta.Endpoints.Docker.SkipTLSVerify}
	if d.Host == "" {
		return Docker{}, fmt.Errorf("docker context %s names no host", regpass.Quote(name))
	}
	certs := filepath.Join(dir, "tls", hex.EncodeToString(sum[:]), "docker")
	if _, err := os.Stat(certs); err == nil {
		d.certs = certs
	}
	return d, nil
}

// dial connects to the daemon's API.
func (d Docker) dial(ctx context.Context) (net.Conn, error) {
	u, err := url.Parse(d.Host)
	if err != nil {
		return nil, errors.New("docker's host is not a URL")
	}
	switch u.Scheme {
	case "unix":
		return (&net.Dialer{}).DialContext(ctx, "unix", u.Path)
	case "tcp", "http", "https":
		if d.certs == "" {
			return (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
		}
		cfg, err := d.tls()
		if err != nil {
			return nil, err
		}
		return (&tls.Dialer{Config: cfg}).DialContext(ctx, "tcp", u.Host)
	case "ssh":
		h, err := dockerhelper.GetConnectionHelper(d.Host)
		if err != nil {
			return nil, err
		}
		return h.Dialer(context.WithoutCancel(ctx), "", "")
	}
	h, err := connhelper.GetConnectionHelper(d.Host)
	if err != nil {
		return nil, err
	}
	if h == nil {
		return nil, fmt.Errorf("docker's host %s has an unknown scheme", regpass.Quote(d.Host))
	}
	return h.ContextDialer(ctx, d.Host)
}

// tls reads the certificates as docker does: each may be missing.
func (d Docker) tls() (*tls.Config, error) {
	// The context asks for it, or DOCKER_TLS is set without DOCKER_TLS_VERIFY.
	cfg := &tls.Config{InsecureSkipVerify: d.insecureSkipVerify}
	ca, err := dockercfg.Read(filepath.Join(d.certs, "ca.pem"))
	if err == nil {
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(ca) {
			return nil, fmt.Errorf("%s holds no certificate", filepath.Join(d.certs, "ca.pem"))
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(d.certs, "cert.pem"), filepath.Join(d.certs, "key.pem"))
	if err == nil {
		cfg.Certificates = []tls.Certificate{pair}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return cfg, nil
}
