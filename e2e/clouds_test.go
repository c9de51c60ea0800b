package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/internal/sample"
)

// clouds are the clouds as clients see them through a proxy on this machine: the hosts have their real names, and a
// certificate of an authority that the script trusts. Nothing of a project has to be changed for them.
type clouds struct {
	aws    *fake.AWS
	google *fake.Google
	entra  *fake.Entra
	key    *ecdsa.PrivateKey
	ca     *x509.Certificate

	vendors map[string]http.Handler // by host

	mu      sync.Mutex // guards unknown
	unknown []string   // hosts that nobody should have asked
}

// newClouds makes the clouds and the authority. now is their clock.
func newClouds(now func() time.Time) (*clouds, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	c := &clouds{aws: fake.NewAWS(now), google: fake.NewGoogle(now), entra: fake.NewEntra(now), key: key}
	octo := fake.NewOctoSTS()
	c.vendors = map[string]http.Handler{"api.cloudsmith.io": fake.NewCloudsmith(now), "quay.io": fake.NewQuay(now),
		"issuer.enforce.dev": fake.NewChainguard(now), "identity.docker.com": fake.NewDockerHub(now),
		"acme.jfrog.io": fake.NewJFrog(now), "vault.example": fake.NewVault(now), "octo-sts.dev": octo,
		"api.github.com": octo, "login.example": fake.NewOAuth("https://login.example")}
	c.ca = &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "the test's authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	return c, nil
}

// certificate makes one for a host, or for the authority itself if the host is empty.
func (c *clouds) certificate(host string) (tls.Certificate, error) {
	template := c.ca
	if host != "" {
		template = &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "a cloud"},
			DNSNames: []string{host}, NotBefore: c.ca.NotBefore, NotAfter: c.ca.NotAfter,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.ca, &c.key.PublicKey, c.key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: c.key}, err
}

// ServeHTTP is the proxy. It ends the TLS of every host itself.
func (c *clouds) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host := r.URL.Hostname()
	site := c.site(host)
	if r.Method != http.MethodConnect || site == nil {
		c.mu.Lock()
		c.unknown = append(c.unknown, r.Method+" "+host)
		c.mu.Unlock()
		http.Error(w, "there is no such host", http.StatusBadGateway)
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
	served := tls.Server(conn, &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		made, err := c.certificate(host)
		return &made, err
	}})
	server := &http.Server{Handler: site, ReadHeaderTimeout: 10 * time.Second}
	_ = server.Serve(&oneConn{conn: served})
}

// oneConn is a listener with one connection.
type oneConn struct {
	conn net.Conn
	once sync.Once
}

// Accept returns the connection, and then that there are no more.
func (l *oneConn) Accept() (conn net.Conn, err error) {
	err = io.EOF
	l.once.Do(func() { conn, err = l.conn, nil })
	return conn, err
}

func (l *oneConn) Close() error   { return nil }
func (l *oneConn) Addr() net.Addr { return l.conn.LocalAddr() }

// site is what answers for a host, or nil.
func (c *clouds) site(host string) http.Handler {
	switch {
	case strings.HasSuffix(host, ".d.codeartifact.eu-west-1.amazonaws.com"):
		return packageIndex("/pypi/main/simple/", "acme-aws", "aws", c.aws.Minted)
	case strings.HasSuffix(host, ".amazonaws.com"):
		return c.aws
	case host == "europe-python.pkg.dev":
		return packageIndex("/acme-prod/main/simple/", "acme-google", "oauth2accesstoken", c.google.Minted)
	case strings.HasSuffix(host, ".googleapis.com"):
		return c.google
	case host == "pkgs.dev.azure.com", host == "login.microsoftonline.com", host == c.entra.Registry:
		return c.entra
	}
	if vendor, ok := c.vendors[host]; ok {
		return vendor
	}
	return nil
}

// live lists the vendors of whose tokens some can be revoked and have not been.
func (c *clouds) live() []string {
	var all []string
	for host, vendor := range c.vendors {
		if v, ok := vendor.(interface{ Live() int }); ok && v.Live() > 0 {
			all = append(all, host)
		}
	}
	slices.Sort(all)
	return all
}

// packageIndex is an index with one package of version 1.0, for those who know a token.
func packageIndex(base, name, user string, valid func(token string) bool) http.Handler {
	file, wheel, err := sample.Wheel(name, "1.0")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, token, ok := r.BasicAuth()
		bearer, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		switch {
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		case !(ok && who == user && valid(token)) && !(isBearer && valid(bearer)):
			w.Header().Set("WWW-Authenticate", `Basic realm="packages"`)
			http.Error(w, "say who you are", http.StatusUnauthorized)
		case r.URL.Path == base+name+"/":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, `<!doctype html><a href="%s">%[1]s</a>`, file)
		case r.URL.Path == base+name+"/"+file:
			http.ServeContent(w, r, file, time.Time{}, bytes.NewReader(wheel))
		default:
			http.NotFound(w, r)
		}
	})
}

// cmdClouds is the command clouds: from now on all hosts but this machine are the clouds'.
func cmdClouds(ts *testscript.TestScript, _ bool, _ []string) {
	f := fixtureOf(ts)
	c, err := newClouds(f.clock.now)
	ts.Check(err)
	c.aws.Issuer, f.clouds = f.issuer, c
	c.aws.Keys["AKIAEXAMPLE"] = fake.AWSKey{Secret: "secret-of-a-key-0123456789"}
	proxy, err := f.servers.Start(context.Background(), c)
	ts.Check(err)
	authority, err := c.certificate("")
	ts.Check(err)
	path := filepath.Join(ts.Getenv("WORK"), ".authority.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: authority.Certificate[0]}
	ts.Check(os.WriteFile(path, pem.EncodeToMemory(block), 0o644))
	setAll(ts, []string{"SSL_CERT_FILE=" + path, "SSL_CERT_DIR=", "https_proxy=" + proxy, "HTTPS_PROXY=" + proxy,
		"no_proxy=127.0.0.1,localhost", "NO_PROXY=127.0.0.1,localhost", "AWS_ROLE_ARN=" + c.aws.Role,
		"GOOGLE_WORKLOAD_IDENTITY_PROVIDER=" + c.google.Provider})
	ts.Defer(func() {
		for _, host := range c.unknownHosts() {
			ts.Logf("no cloud has %s", host)
		}
	})
}

// unknownHosts lists the hosts that nobody should have asked.
func (c *clouds) unknownHosts() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.unknown)
}
