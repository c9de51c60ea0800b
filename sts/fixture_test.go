package sts_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/sts"
)

// clock is a clock that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// lockedBuffer is a buffer for several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// fixture is a service with two workspaces, three API keys and a CI system. When its test ends it checks that no secret
// got into the audit, an error or a redirect.
type fixture struct {
	t       testing.TB
	clock   *clock
	audit   *lockedBuffer
	cfg     sts.Config
	service *sts.Service
	handler http.Handler
	issuer  *fake.Issuer
	asked   *lockedBuffer // paths that the issuer was asked for
	asks    chan struct{} // an entry for each of them
	dir     string        // acme's wheels, a channel and beta's wheels are in pypi, conda and beta
	signing ed25519.PrivateKey

	dev, reader, other regpass.Secret // keys: read and write acme; read acme; read and write beta

	mu      sync.Mutex
	held    chan struct{}     // the issuer answers once it is closed; nil: at once
	odd     map[string]string // what the issuer answers instead, by path
	secrets []regpass.Secret
	said    []string // bodies of errors, and all headers
}

// The service and its audience.
const (
	origin   = "http://127.0.0.1:8080"
	audience = "127.0.0.1:8080"
)

// What is there from the start.
const (
	wheelName   = "demo_pkg-1.0-py3-none-any.whl"
	wheelText   = "the wheel's content"
	foreignText = "beta's own content"
)

func newFixture(t testing.TB, change ...func(*sts.Config)) *fixture {
	t.Helper()
	fx := &fixture{t: t, clock: &clock{at: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}, audit: &lockedBuffer{},
		asked: &lockedBuffer{}, asks: make(chan struct{}, 1000), dir: t.TempDir()}
	var devSum, readerSum, otherSum string
	fx.dev, devSum = sts.NewKey()
	fx.reader, readerSum = sts.NewKey()
	fx.other, otherSum = sts.NewKey()
	fx.secrets = []regpass.Secret{fx.dev, fx.reader, fx.other}

	fx.write("pypi/"+wheelName, wheelText)
	fx.write("beta/secret_pkg-1.0-py3-none-any.whl", foreignText)
	fx.write("conda/noarch/repodata.json", `{"packages":{}}`)
	fx.write("conda/linux-64/demo-1.0-0.conda", "a conda package")
	fx.write("outside.txt", "outside the folders")

	issuer, err := fake.NewIssuer("ES256")
	must(t, err)
	issuer.Now = fx.clock.now
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(fx.asked, r.URL.Path+"\n")
		fx.asks <- struct{}{}
		fx.mu.Lock()
		held, issuer := fx.held, fx.issuer
		fx.mu.Unlock()
		if held != nil {
			<-held
		}
		fx.mu.Lock()
		text, odd := fx.odd[r.URL.Path]
		fx.mu.Unlock()
		if odd {
			_, _ = io.WriteString(rw, text)
			return
		}
		issuer.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	issuer.URL = server.URL
	fx.issuer = issuer

	both := sts.Permissions{sts.Read, sts.Write}
	fx.cfg = sts.Config{
		PublicURL: origin, SigningKey: fx.signingKey(), MaxUpload: 64 << 10,
		APIKeys: []sts.APIKey{
			{Name: "dev", SHA256: devSum, Workspaces: []string{"acme"}, Permissions: both},
			{Name: "reader", SHA256: readerSum, Workspaces: []string{"acme"}, Permissions: both[:1],
				Expires: fx.clock.at.Add(48 * time.Hour)},
			{Name: "other", SHA256: otherSum, Workspaces: []string{"beta"}, Permissions: both},
		},
		Trust: []sts.Trust{
			{Name: "publish", Issuer: issuer.URL, Workspace: "acme", Permissions: sts.Permissions{sts.Write},
				Claims: map[string]string{"repository": "acme/app", "ref": "refs/tags/v*"}},
			{Name: "install", Issuer: issuer.URL, Workspace: "acme", Permissions: sts.Permissions{sts.Read},
				Claims: map[string]string{"repository": "acme/*"}, Lifetime: 10 * time.Minute},
		},
		Indexes: []sts.Index{
			{Workspace: "acme", Name: "main", Kind: sts.PyPI, Folder: filepath.Join(fx.dir, "pypi")},
			{Workspace: "acme", Name: "chan", Kind: sts.Conda, Folder: filepath.Join(fx.dir, "conda")},
			{Workspace: "beta", Name: "main", Kind: sts.PyPI, Folder: filepath.Join(fx.dir, "beta")},
		},
	}
	for _, f := range change {
		f(&fx.cfg)
	}
	fx.start(http.DefaultTransport)
	if _, bench := t.(*testing.B); !bench { // there it would take longer than what is measured
		t.Cleanup(fx.noSecretShown)
	}
	return fx
}

// start runs the service.
func (fx *fixture) start(transport http.RoundTripper) {
	fx.t.Helper()
	s, err := sts.New(fx.t.Context(), fx.cfg, sts.Options{Audit: fx.audit, Env: &regpass.Env{
		Now: fx.clock.now, HTTP: &http.Client{Transport: transport}, Getenv: func(string) string { return "" }}})
	must(fx.t, err)
	fx.t.Cleanup(func() { must(fx.t, s.Close()) })
	fx.service, fx.handler = s, s.Handler()
}

func (fx *fixture) write(path, text string) {
	fx.t.Helper()
	path = filepath.Join(fx.dir, path)
	must(fx.t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(fx.t, os.WriteFile(path, []byte(text), 0o644))
}

// signingKey writes a key that tests can forge tokens with.
func (fx *fixture) signingKey() string {
	fx.t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	must(fx.t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(fx.t, err)
	fx.signing = key
	path := filepath.Join(fx.dir, "signing.pem")
	must(fx.t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	return path
}

// ask is one request; reply is what came.
type ask struct {
	method, path string
	header       http.Header
	body         string
}

type reply struct {
	status int
	header http.Header
	body   string
}

func (fx *fixture) do(a ask) reply {
	fx.t.Helper()
	if a.method == "" {
		a.method = http.MethodGet
	}
	r, err := http.NewRequest(a.method, origin+a.path, strings.NewReader(a.body))
	must(fx.t, err)
	if a.header != nil {
		r.Header = a.header
	}
	r.RemoteAddr = "127.0.0.1:40000"
	rec := httptest.NewRecorder()
	fx.handler.ServeHTTP(rec, r)
	got := reply{rec.Code, rec.Result().Header, rec.Body.String()}
	fx.remember(got)
	return got
}

// post sends a body without headers.
func (fx *fixture) post(path, body string) reply {
	fx.t.Helper()
	return fx.do(ask{method: http.MethodPost, path: path, body: body})
}

// remember keeps what noSecretShown checks, and learns the tokens that were handed out.
func (fx *fixture) remember(got reply) {
	fx.mu.Lock()
	defer fx.mu.Unlock()
	for name, values := range got.header {
		fx.said = append(fx.said, name+": "+strings.Join(values, ", "))
	}
	if got.status >= 300 {
		fx.said = append(fx.said, got.body)
		return
	}
	var pair map[string]any
	if json.Unmarshal([]byte(got.body), &pair) == nil {
		for _, name := range []string{"token", "access_token", "refresh_token"} {
			if s, ok := pair[name].(string); ok {
				fx.secrets = append(fx.secrets, regpass.NewSecret(s))
			}
		}
	}
}

func (fx *fixture) noSecretShown() {
	shown := fx.audit.String() + strings.Join(fx.said, "\n")
	for _, s := range fx.secrets {
		for _, form := range regpass.Derived(s) {
			if strings.Contains(shown, form) {
				fx.t.Errorf("a secret (fingerprint %s) is in the audit, an error or a header", s.Fingerprint())
			}
		}
	}
}

// awaitAsked waits until the issuer was asked n more times.
func (fx *fixture) awaitAsked(n int) {
	fx.t.Helper()
	for range n {
		select {
		case <-fx.asks:
		case <-time.After(15 * time.Second):
			fx.t.Fatal("the issuer was not asked")
		}
	}
}

func bearer(s regpass.Secret) http.Header {
	return http.Header{"Authorization": {"Bearer " + s.Reveal()}}
}

// with adds headers.
func with(h http.Header, pairs ...string) http.Header {
	h = maps.Clone(h)
	for i := 0; i < len(pairs); i += 2 {
		h[http.CanonicalHeaderKey(pairs[i])] = []string{pairs[i+1]}
	}
	return h
}

// token trades an API key.
func (fx *fixture) token(key regpass.Secret) regpass.Secret {
	fx.t.Helper()
	got := fx.do(ask{method: "POST", path: "/auth/cli/access-token", header: bearer(key)})
	fx.want(fx.t, got, 200)
	return field(fx.t, got, "access_token")
}

// idToken makes a CI job's ID token; over replaces claims, nil takes one away.
func (fx *fixture) idToken(audience string, over map[string]any) regpass.Secret {
	fx.t.Helper()
	now := fx.clock.now()
	claims := map[string]any{
		"sub": "repo:acme/app:ref:refs/tags/v1", "aud": audience, "jti": rand.Text(), "repository": "acme/app",
		"ref": "refs/tags/v1",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	maps.Copy(claims, over)
	s, err := fx.issuer.Sign(claims)
	must(fx.t, err)
	fx.secrets = append(fx.secrets, s)
	return s
}

func tokenBody(s regpass.Secret) string {
	j, _ := json.Marshal(map[string]string{"token": s.Reveal()})
	return string(j)
}

func (fx *fixture) want(t testing.TB, got reply, status int) {
	t.Helper()
	if got.status != status {
		t.Fatalf("status %d, want %d; body %s\naudit:\n%s", got.status, status, got.body, fx.audit)
	}
	if status < 400 || strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
		return
	}
	var p struct {
		Type, Title, Detail string
		Status              int
	}
	if err := json.Unmarshal([]byte(got.body), &p); err != nil || p.Status != status || p.Title == "" ||
		!strings.HasPrefix(p.Type, "urn:regpass:problem:") ||
		got.header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("not problem details of %d: %s", status, got.body)
	}
}

// lastAudit is the newest line of the audit.
func (fx *fixture) lastAudit() map[string]any {
	fx.t.Helper()
	lines := strings.Split(strings.TrimSpace(fx.audit.String()), "\n")
	var line map[string]any
	must(fx.t, json.Unmarshal([]byte(lines[len(lines)-1]), &line))
	return line
}

func field(t testing.TB, got reply, name string) regpass.Secret {
	t.Helper()
	var all map[string]any
	must(t, json.Unmarshal([]byte(got.body), &all))
	s, _ := all[name].(string)
	if s == "" {
		t.Fatalf("the answer has no %s", name)
	}
	return regpass.NewSecret(s)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
