package helper

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// Question is what a client wants a credential for.
type Question struct {
	Host string // as regpass.Ref.Host: lower-case, with :port unless it is the scheme's default
	Path string // of the URL, or empty if the client names only the host
	User string // the user whose credential it wants, or empty
	any  bool   // without a scheme, so that the port of either may be meant
}

// Ask is the question for a URL, or for a host as host[:port], as clients write them. What holds a query, a fragment or
// a password is taken without. The error is ErrNone for what can be no registry of ours: another scheme, http off this
// machine, a host outside ASCII.
func Ask(text string) (Question, error) {
	bare := !strings.Contains(text, "://")
	word := text
	if bare {
		word = "https://" + word
	}
	u, err := url.Parse(word)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return Question{}, ErrNone
	}
	q := Question{User: u.User.Username(), Path: u.Path, any: bare}
	plain := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	ref, err := regpass.ParseRef(plain.String())
	if err != nil || ref.URL.Scheme == "s3" {
		return Question{}, ErrNone
	}
	q.Host = ref.Host
	if bare && (u.Path == "" || u.Path == "/") {
		q.Path = ""
	}
	return q, nil
}

// askHost is Ask for a client that names the host by itself. What would end a host in a URL is part of the name to the
// client: git decodes https://ours%2f.theirs, and would send the answer to what it takes for the host.
func askHost(scheme, host, path string) (Question, error) {
	if host == "" || strings.ContainsAny(host, "/?#@\\%") {
		return Question{}, ErrNone
	}
	return Ask(scheme + host + path)
}

// Match picks the entry for a question: of those whose credential is for its host, and for its user if it names one,
// the one whose registry's path is the longest that the question's lies below; otherwise the only credential of the
// host. The error is ErrNone, or says that the host alone does not tell which is meant.
func Match(entries []envsync.Entry, q Question) (envsync.Entry, error) {
	var best []envsync.Entry
	depth := -1
	for _, e := range entries {
		if !q.sameHost(e.Cred.Host) || !q.sameUser(e.Cred) {
			continue
		}
		at := e.Depth(q.Path)
		if at > depth {
			best, depth = nil, at
		}
		if at == depth {
			best = append(best, e)
		}
	}
	if len(best) == 0 {
		return envsync.Entry{}, ErrNone
	}
	for _, e := range best[1:] {
		if e.Cred.Secret.Fingerprint() != best[0].Cred.Secret.Fingerprint() {
			return envsync.Entry{}, fmt.Errorf("%s and %s have two credentials, and the client names only %s",
				best[0].Ref, e.Ref, regpass.Quote(q.Host+q.Path))
		}
	}
	return best[0], nil
}

// sameUser reports whether a credential is the user's. A token proves its user itself, whatever name goes with it.
func (q Question) sameUser(c regpass.Credential) bool {
	return q.User == "" || c.Username == "" || q.User == c.Username || c.Kind != regpass.Basic
}

// sameHost reports whether host is the one asked for.
func (q Question) sameHost(host string) bool {
	if q.any { // "host:80" may be http's, and "127.0.0.1" too
		plain, isHTTP := strings.CutSuffix(q.Host, ":80")
		return q.Host == host || isHTTP && plain == host && regpass.Loopback(plain)
	}
	return q.Host == host
}
