//go:build services

package registry_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/registry"
)

// service is the path of what ./check builds of tools/services, in the folder that it names in REGPASS_SERVICES.
func service(t *testing.T, path string) string {
	t.Helper()
	folder := os.Getenv("REGPASS_SERVICES")
	if folder == "" {
		t.Fatal("REGPASS_SERVICES does not say where the services are; ./check makes that folder and sets it")
	}
	path = filepath.Join(folder, path)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("a service is missing; ./check installs it: %v", err)
	}
	return path
}

// freeAddress is an address of this machine that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// start runs a server until the test ends, and returns as soon as it prints a line that holds ready.
func start(t *testing.T, ready string, c func(ctx context.Context) *exec.Cmd) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	server := c(ctx)
	server.Cancel = func() error { return server.Process.Signal(syscall.SIGTERM) }
	server.WaitDelay = 30 * time.Second
	out, in := io.Pipe()
	server.Stdout, server.Stderr = in, in
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = server.Wait(); _ = in.Close(); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended })
	lines, said := bufio.NewScanner(out), ""
	for lines.Scan() {
		said += lines.Text() + "\n"
		if strings.Contains(lines.Text(), ready) {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return
		}
	}
	t.Fatalf("%s did not start:\n%s", filepath.Base(server.Path), said)
}

// realJob is a job whose identities a server can verify.
type realJob struct {
	issuer *fake.Issuer
	claims map[string]any
}

// newRealJob makes a job with these claims, and starts the issuer of its identities.
func newRealJob(t *testing.T, claims map[string]any) realJob {
	t.Helper()
	issuer, err := fake.NewIssuer("ES256")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(issuer)
	t.Cleanup(server.Close)
	issuer.URL = server.URL
	return realJob{issuer, claims}
}

// with is the job with other claims.
func (j realJob) with(change map[string]any) realJob {
	other := realJob{j.issuer, maps.Clone(j.claims)}
	maps.Copy(other.claims, change)
	return other
}

// Identity is registry.Identities.
func (j realJob) Identity(_ context.Context, audience string) (regpass.Identity, error) {
	claims := map[string]any{"aud": audience, "iat": time.Now().Unix(), "nbf": time.Now().Unix(),
		"exp": time.Now().Add(5 * time.Minute).Unix(), "jti": fmt.Sprint(time.Now().UnixNano())}
	maps.Copy(claims, j.claims)
	token, err := j.issuer.Sign(claims)
	if err != nil {
		return regpass.Identity{}, err
	}
	read, err := regpass.DecodeJWT(token)
	return regpass.Identity{Provider: "github", Token: token, Claims: read, PolicyClaims: []string{"sub"}}, err
}

func (j realJob) proof() registry.Proof {
	return registry.Proof{Method: regpass.OIDC, From: "a job", Identities: j}
}
