package secret

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// Fetches tells the store which URLs BuildKit itself fetches for the build, such as those of ADD and of git. Only http
// and https count. BuildKit asks for a file's credential by the host alone: the port and plain http are not in the id
// (source/http/source.go, newHTTPRequest), and git leaves out the scheme. So an id of ForDaemon is answered only if
// everything that would be sent the credential is a server that it is for, and not before that is known.
func (s *Store) Fetches(urls []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range urls {
		if u, err := url.Parse(text); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
			s.fetched = append(s.fetched, u)
		}
	}
}

// maySend reports whether all that BuildKit sends the answer for the entry to are its credential's own servers. Where
// one is not, the user is told.
func (s *Store) maySend(e *entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := false
	for _, u := range s.fetched {
		if !asksFor(e.ID, u) {
			continue
		}
		asked = true
		if !slices.ContainsFunc(e.from, func(i int) bool { return s.sources[i].serves(u) }) {
			s.minter.Fail(regpass.Hintf(fmt.Errorf("%s is fetched from another server than the registry's, and the builder "+
				"would send the registry's credential there", regpass.Quote(u.Scheme+"://"+u.Host)),
				"fetch it in a RUN step, or give the builder its own secret: --secret id=%s,src=FILE", e.ID))
			return false
		}
	}
	return asked
}

// asksFor reports whether BuildKit asks for the id before it fetches u.
func asksFor(id string, u *url.URL) bool {
	return id == "HTTP_AUTH_TOKEN_"+u.Hostname() || id == "HTTP_AUTH_HEADER_"+u.Hostname() ||
		id == "GIT_AUTH_TOKEN."+u.Host || id == "GIT_AUTH_HEADER."+u.Host
}

// serves reports whether u is on one of the source's servers, by scheme, host and port.
func (s Source) serves(u *url.URL) bool {
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme == s.Ref.URL.Scheme && slices.Contains(s.hosts(), host) // http is spoken only to this machine
}
