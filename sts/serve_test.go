package sts_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/sts"
)

func TestServe(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	at := "http://" + ln.Addr().String()
	key, sum := sts.NewKey()
	demo := sts.APIKey{Name: "demo", SHA256: sum, Workspaces: []string{"acme"}, Permissions: sts.Permissions{sts.Read}}
	s, err := sts.New(t.Context(), sts.Config{PublicURL: at, APIKeys: []sts.APIKey{demo}},
		sts.Options{Env: &regpass.Env{Now: time.Now, HTTP: http.DefaultClient}})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, ln) }()

	ask, err := http.NewRequest("POST", at+"/auth/cli/access-token", nil)
	must(t, err)
	ask.Header = bearer(key)
	res, err := http.DefaultClient.Do(ask)
	must(t, err)
	body, err := io.ReadAll(res.Body)
	must(t, err)
	must(t, res.Body.Close())
	if res.StatusCode != 200 {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	stop()
	select {
	case err := <-ended:
		must(t, err)
	case <-time.After(15 * time.Second):
		t.Fatal("the service did not stop")
	}
	if c, err := net.Dial("tcp", ln.Addr().String()); err == nil {
		_ = c.Close()
		t.Error("the service still listens")
	}
}

func TestNewReportsBrokenTLS(t *testing.T) {
	_, err := sts.New(t.Context(), sts.Config{PublicURL: "https://localhost", TLSCert: "none.pem", TLSKey: "none.pem"},
		sts.Options{Env: &regpass.Env{Now: time.Now, HTTP: http.DefaultClient}})
	if err == nil || !strings.Contains(err.Error(), "tls_cert and tls_key: open none.pem") {
		t.Errorf("took a certificate that is not there: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	env := &regpass.Env{Now: time.Now, HTTP: http.DefaultClient, Getenv: func(string) string { return "" }}
	good := sts.Index{Workspace: "acme", Name: "main", Kind: sts.PyPI}
	missing, unset, unread := good, good, good
	missing.Folder = t.TempDir() + "/none"
	unset.Upstream, unset.UpstreamTokenEnv = "https://up.example/simple", "UPSTREAM_TOKEN"
	unread.Upstream, unread.UpstreamTokenFile = "https://up.example/simple", t.TempDir()+"/none"
	for name, c := range map[string]sts.Config{
		"nothing":           {},
		"a missing folder":  {PublicURL: origin, Indexes: []sts.Index{missing}},
		"an unset variable": {PublicURL: origin, Indexes: []sts.Index{unset}},
		"a missing token":   {PublicURL: origin, Indexes: []sts.Index{unread}},
	} {
		if s, err := sts.New(t.Context(), c, sts.Options{Env: env}); err == nil {
			t.Errorf("%s is accepted", name)
			must(t, s.Close())
		}
	}
	if _, err := sts.New(t.Context(), sts.Config{PublicURL: origin}, sts.Options{}); err == nil {
		t.Error("no surroundings are accepted")
	}
}
