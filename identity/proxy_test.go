package identity

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/regpass/regpass/internal/testenv"
)

// TestMetadataByNoProxy fails if the metadata server is asked by way of a proxy: that would see the token, which comes
// in clear, and would ask the metadata server of its own machine.
func TestMetadataByNoProxy(t *testing.T) {
	proxied := 0
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		proxied++
		_, _ = io.WriteString(w, "a-token-of-the-proxy's-machine")
	}))
	defer proxy.Close()
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "a-token-of-this-machine")
	}))
	defer metadata.Close()
	env := testenv.New(t, map[string]string{"GCE_METADATA_HOST": strings.TrimPrefix(metadata.URL, "http://")})
	at, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	env.HTTP = &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(at)}}
	token, err := googleToken(t.Context(), env, "an-audience")
	if err != nil || token.Reveal() != "a-token-of-this-machine" || proxied > 0 {
		t.Errorf("%v; the proxy was asked %d times", err, proxied)
	}
}
