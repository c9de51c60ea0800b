//go:build clients || engines

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// freePort looks below the ports that the system itself hands out, so that nobody is given this one meanwhile
// (https://docs.kernel.org/networking/ip-sysctl.html, ip_local_port_range).
func freePort() (int, error) {
	var err error
	for range 100 {
		port := 20000 + mathrand.N(12768)
		var l net.Listener
		if l, err = net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, err
}

// cmdCertificate is certificate FOLDER: makes ca.pem, and cert.pem and key.pem of localhost, there.
func cmdCertificate(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(certificate(ts.MkAbs(args[0])))
}

// certificate writes a certificate for localhost, as a server and as a client, and the authority that signed it. They
// are two, for some clients refuse an authority as a server.
func certificate(folder string) error {
	begins := time.Now().Add(-time.Hour)
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"},
		NotBefore: begins, NotAfter: begins.Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign}
	server := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"},
		DNSNames:  []string{"localhost"},
		NotBefore: begins, NotAfter: begins.Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
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

// instead has b serve the requests that are chosen, and a all others.
func instead(a http.Handler, chosen func(*http.Request) bool, b http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if chosen(r) {
			b.ServeHTTP(w, r)
			return
		}
		a.ServeHTTP(w, r)
	})
}

// mayRead lets in whoever the service would show the index to.
func mayRead(service http.Handler, challenge string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ask := httptest.NewRequestWithContext(r.Context(), http.MethodGet, "/simple/acme/main/", nil)
		ask.Host, ask.RemoteAddr = r.Host, r.RemoteAddr
		ask.Header["Authorization"] = r.Header["Authorization"]
		res := httptest.NewRecorder()
		if service.ServeHTTP(res, ask); res.Code != http.StatusOK {
			w.Header().Set("WWW-Authenticate", challenge)
			http.Error(w, "authentication required", http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	})
}
