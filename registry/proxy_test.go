package registry

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/regpass/regpass/internal/testenv"
)

// TestFileIdentityByNoProxy fails if the server that a credentials file of Google names on this machine or beside it,
// such as Azure's metadata server, is asked by way of a proxy, which would see the identity in clear.
func TestFileIdentityByNoProxy(t *testing.T) {
	proxied := 0
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		proxied++
		_, _ = io.WriteString(w, "an-identity-of-the-proxy's-machine")
	}))
	defer proxy.Close()
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "an-identity-of-this-machine")
	}))
	defer metadata.Close()
	env := testenv.New(t, nil)
	at, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	env.HTTP = &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(at)}}
	got, err := googleSubject{URL: metadata.URL + "/identity"}.read(t.Context(), env)
	if err != nil || got.Reveal() != "an-identity-of-this-machine" || proxied > 0 {
		t.Errorf("%v; the proxy was asked %d times", err, proxied)
	}
}
