package process

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestThisMachineByNoProxy fails if what is http to this machine, by any of its names, goes through a proxy or is
// looked up in a network.
func TestThisMachineByNoProxy(t *testing.T) {
	seen := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the proxy saw %s %s", r.Method, r.URL)
	}))
	defer seen.Close()
	here := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "here")
	}))
	defer here.Close()
	for _, name := range []string{"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy"} {
		t.Setenv(name, seen.URL) // Go reads them once
	}
	t.Setenv("no_proxy", "")
	t.Setenv("NO_PROXY", "")
	client := Surroundings().HTTP
	_, port, _ := strings.Cut(strings.TrimPrefix(here.URL, "http://"), ":")
	for _, host := range []string{"127.0.0.1", "localhost", "LOCALHOST", "api.localhost", "API.localhost"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+host+":"+port, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(r)
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		got, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(got) != "here" {
			t.Errorf("%s: %q, %v", host, got, err)
		}
	}
	for _, host := range []string{"example.com", "localhost.example.com", "xlocalhost"} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+host, nil)
		if at, err := proxy(r); at == nil || err != nil {
			t.Errorf("%s is asked without the proxy, %v", host, err)
		}
	}
}
