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

	mu      sync.Mutex // guards what follows
	told    []string   // HOST USER:PASSWORD, each once
	unknown []string   // METHOD HOST, each once
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
		n.note(&n.unknown, r.Method+" "+r.Host)
		http.Error(w, "there is no such host", http.StatusBadGateway)
	case !proven:
		w.Header().Set("WWW-Authenticate", `Basic realm="example"`)
		http.Error(w, "say who you are", http.StatusUnauthorized)
	default:
		n.note(&n.told, fmt.Sprintf("%s %s:%s", r.URL.Hostname(), user, password))
		http.NotFound(w, r)
	}
}

// note adds an entry to a list that does not hold it yet.
func (n *internet) note(list *[]string, entry string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !slices.Contains(*list, entry) {
		*list = append(*list, entry)
	}
}

// unknownHosts lists the hosts that nobody should have asked.
func (n *internet) unknownHosts() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.unknown)
}

// heard returns the credentials that hosts in example were told, in sorted lines, and forgets them.
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
