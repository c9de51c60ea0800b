//go:build clients

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// internet is all that is not on this machine, as clients see it through an HTTP proxy: hosts below conda.example are
// the service, the other hosts in example want a password and have nothing, and there are no more. The domain exists
// nowhere (RFC 6761 section 6.5).
type internet struct {
	service *httputil.ReverseProxy

	mu    sync.Mutex // guards what follows
	told  []string
	asked []string
}

type internetKey struct{}

func newInternet(service string) *internet {
	return &internet{service: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		to, _ := url.Parse(service) // the address of a listener
		r.SetURL(to)
	}}}
}

func (n *internet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host := "." + r.URL.Hostname()
	user, password, proven := r.BasicAuth()
	switch {
	case r.Method != http.MethodConnect && strings.HasSuffix(host, ".conda.example"):
		n.service.ServeHTTP(w, r)
	case r.Method == http.MethodConnect || !strings.HasSuffix(host, ".example"):
		n.note(&n.asked, r.Method+" "+r.Host)
		http.Error(w, "there is no such place", http.StatusBadGateway)
	case !proven:
		w.Header().Set("WWW-Authenticate", `Basic realm="example"`)
		http.Error(w, "say who you are", http.StatusUnauthorized)
	default:
		n.note(&n.told, fmt.Sprintf("%s %s:%s", r.URL.Hostname(), user, password))
		http.NotFound(w, r)
	}
}

func (n *internet) note(where *[]string, what string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !slices.Contains(*where, what) {
		*where = append(*where, what)
	}
}

// strangers lists the places that nobody should have asked.
func (n *internet) strangers() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.asked)
}

// heard returns what hosts in example were told, in lines, and forgets it.
func (n *internet) heard() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	slices.Sort(n.told)
	var lines strings.Builder
	for _, l := range n.told {
		lines.WriteString(l + "\n")
	}
	n.told = nil
	return lines.String()
}

// certificate writes a certificate for localhost and the authority that signed it. They are two, for some clients
// refuse an authority as a server.
func certificate(folder string) error {
	begins := time.Now().Add(-time.Hour)
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"},
		NotBefore: begins, NotAfter: begins.Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	server := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: begins, NotAfter: begins.Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificate(rand.Reader, server, ca, key.Public(), caKey)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for name, block := range map[string]*pem.Block{
		"ca.pem":   {Type: "CERTIFICATE", Bytes: caDER},
		"cert.pem": {Type: "CERTIFICATE", Bytes: der},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(block), 0o600); err != nil {
			return err
		}
	}
	return nil
}
