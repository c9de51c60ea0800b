package builder

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/docker/cli/cli/config/types"
	"github.com/moby/buildkit/client"

	"github.com/regpass/regpass"
)

// The few calls of Docker's API that a build needs, over one connection each, in place of docker's client and all its
// modules.

// candidate is the BuildKit inside the daemon. It answers gRPC on a connection that is hijacked at /grpc, and calls
// back on one that is hijacked at /session (moby, api/server/router/grpc and session).
func (d Docker) candidate() (candidate, error) {
	if path, unix := strings.CutPrefix(d.Host, "unix://"); unix {
		if _, err := os.Stat(path); err != nil {
			return candidate{}, errSkip{err.Error()}
		}
	}
	from := "Docker"
	if d.context != "default" {
		from = "the docker context " + d.context
	}
	return candidate{foundBy: from, address: d.Host, docker: &d,
		hint: "is the Docker daemon running, and may this user reach it?",
		dial: func(ctx context.Context) (*client.Client, error) {
			return client.New(ctx, "",
				client.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
					return d.hijack(ctx, "/grpc", "h2c", nil)
				}),
				client.WithSessionDialer(func(ctx context.Context, proto string, meta map[string][]string) (net.Conn, error) {
					return d.hijack(ctx, "/session", proto, meta)
				}))
		}}, nil
}

// hijack asks the daemon to speak proto on this connection from now on (RFC 9110, section 7.8).
func (d Docker) hijack(ctx context.Context, path, proto string, header map[string][]string) (net.Conn, error) {
	conn, err := d.dial(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	r, err := upgrade(ctx, conn, path, proto, header)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &hijacked{Conn: conn, r: r}, nil
}

func upgrade(
	ctx context.Context, conn net.Conn, path, proto string, header map[string][]string,
) (*bufio.Reader, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://docker"+path, nil)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", proto)
	if err := req.Write(conn); err != nil {
		return nil, err
	}
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return nil, dockerError(path, resp)
	}
	return r, nil
}

// hijacked is a connection of which a part was read ahead.
type hijacked struct {
	net.Conn
	r *bufio.Reader
}

func (h *hijacked) Read(p []byte) (int, error) { return h.r.Read(p) }

// maxResponse is how much of a response from Docker is read, in bytes.
const maxResponse = 1 << 20

// dockerError is the error of a call: op is the call, and the daemon's message is quoted.
func dockerError(op string, resp *http.Response) error {
	body, _ := regpass.ReadAll(resp.Body, maxResponse)
	_ = resp.Body.Close()
	var reply struct{ Message string }
	if json.Unmarshal(body, &reply) != nil || reply.Message == "" {
		reply.Message = string(body)
	}
	return fmt.Errorf("docker: %s: %s: %s", op, resp.Status, regpass.Quote(strings.TrimSpace(reply.Message)))
}

func (d Docker) http() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return d.dial(ctx) }}}
}

// TakesOCI reports whether the daemon keeps images in containerd, and so loads images for several platforms.
func (d Docker) TakesOCI(ctx context.Context) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker/info", nil)
	if err != nil {
		return false, err
	}
	resp, err := d.http().Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return false, dockerError("info", resp)
	}
	var info struct{ DriverStatus [][2]string }
	body, err := regpass.ReadAll(resp.Body, maxResponse)
	if err == nil {
		err = json.Unmarshal(body, &info)
	}
	if err != nil {
		return false, fmt.Errorf("docker: info: %w", err)
	}
	for _, s := range info.DriverStatus {
		if s == [2]string{"driver-type", "io.containerd.snapshotter.v1"} {
			return true, nil
		}
	}
	return false, nil
}

// load hands the daemon an image as `docker load` does.
func (d Docker) load(ctx context.Context, tar io.Reader) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://docker/images/load?quiet=1", io.NopCloser(tar))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-tar")
	return d.do(req, "load the image")
}

// Push has the daemon send an image to its registry.
func (d Docker) Push(ctx context.Context, image string, auth types.AuthConfig) error {
	header, err := json.Marshal(auth)
	if err != nil {
		return err
	}
	name, tag := image, "latest"
	if i := strings.LastIndex(image, ":"); i > strings.LastIndex(image, "/") {
		name, tag = image[:i], image[i+1:]
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost,
		"http://docker/images/"+name+"/push?tag="+url.QueryEscape(tag), nil)
	if err != nil {
		return err
	}
	req.Header.Set("X-Registry-Auth", base64.URLEncoding.EncodeToString(header))
	return d.do(req, "push "+regpass.Quote(image))
}

// do sends a request whose response has one JSON object a line, any of which may report a failure. op names the request
// in errors.
func (d Docker) do(req *http.Request, op string) error {
	resp, err := d.http().Do(req)
	if err != nil {
		return fmt.Errorf("docker: %s: %w", op, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return dockerError(op, resp)
	}
	for lines := json.NewDecoder(resp.Body); ; {
		var line struct{ Error string }
		err := lines.Decode(&line)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("docker: %s: %w", op, err)
		case line.Error != "":
			return fmt.Errorf("docker: %s: %s", op, regpass.Quote(line.Error))
		}
	}
}

// imageLoad is an image on its way into the daemon.
type imageLoad struct {
	*io.PipeWriter
	done chan error
}

// Loader takes an image, as docker save writes it, and has the daemon load it. Close waits until the daemon has it, and
// returns the daemon's error.
func (d Docker) Loader(ctx context.Context) io.WriteCloser {
	r, w := io.Pipe()
	l := imageLoad{w, make(chan error, 1)}
	go func() {
		err := d.load(ctx, r)
		_ = r.CloseWithError(err)
		l.done <- err
	}()
	return l
}

func (l imageLoad) Close() error { return errors.Join(l.PipeWriter.Close(), <-l.done) }
