package regpass

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestNoAnswerHints asks servers that give no answer, each in its way.
func TestNoAnswerHints(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	plain := serve(t, http.NotFound)
	tlsServer := httptest.NewUnstartedServer(http.NotFoundHandler())
	tlsServer.Config.ErrorLog = log.New(io.Discard, "", 0)
	tlsServer.StartTLS()
	t.Cleanup(tlsServer.Close)
	trusting := tlsServer.Client().Transport.(*http.Transport)
	unknown := http.Transport{DialContext: func(_ context.Context, _, _ string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "pkgs.example", IsNotFound: true}
	}}
	for name, test := range map[string]struct {
		url, hint string
		transport *http.Transport
	}{
		"refused":     {closed.URL, "nothing listens at that host and port", &http.Transport{}},
		"no proxy":    {"https://pkgs.example", "the proxy that https_proxy", proxied(t, closed.URL)},
		"unknown":     {"https://pkgs.example", "look for a misspelling", &unknown},
		"authority":   {tlsServer.URL, "SSL_CERT_FILE", &http.Transport{}},
		"other name":  {strings.Replace(tlsServer.URL, "127.0.0.1", "localhost", 1), "is for another name", trusting},
		"no TLS":      {"https://" + plain.Host, "speaks plain http", &http.Transport{}},
		"it answered": {plain.String(), "", &http.Transport{}},
	} {
		t.Run(name, func(t *testing.T) {
			env := testEnv()
			env.HTTP = &http.Client{Transport: test.transport}
			_, err := env.Do(t.Context(), Request{Op: "ask", Method: http.MethodGet, URL: parse(t, test.url)})
			hints := strings.Join(Hints(err), "; ")
			if err == nil || (test.hint == "") != (hints == "") || !strings.Contains(hints, test.hint) {
				t.Errorf("%v: %q, want %q", err, hints, test.hint)
			}
		})
	}
}

func proxied(t *testing.T, at string) *http.Transport {
	return &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return parse(t, at), nil }}
}
