//go:build clients

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
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
