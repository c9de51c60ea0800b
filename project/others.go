package project

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/regpass/regpass"
)

// others adds registries that are written for another program. A bare channel name ("conda-forge" is public) and a
// local path take no credential from us. A URL that cannot be a registry's is left out and said, by its host alone: all
// else in it may be a secret.
func (f *Found) others(origin string, words []string) {
	for _, word := range words {
		if len(f.Refs)+len(f.Left) >= maxNamed {
			f.Left = append(f.Left, fmt.Errorf("the rest of %s is left out: it names too much", origin))
			return
		}
		r, err := regpass.ParseRef(word)
		switch why := refused(word, err); {
		case why != "":
			err := fmt.Errorf("%s: %s is left out: %s", origin, hostIn(word), why)
			f.Left = append(f.Left, regpass.Hintf(err, "to send it a credential, name its URL without that, %s", nameThem))
		case err == nil && !r.Bare:
			r.Origin = origin
			f.Refs = append(f.Refs, r)
		}
	}
}

// refused tells why a URL of another program's is no registry; empty: it is one, or it is no URL of a server.
func refused(word string, err error) string {
	scheme, rest, isURL := strings.Cut(strings.TrimSpace(word), "://")
	if !isURL || strings.HasPrefix(strings.ToLower(scheme), "file") || strings.ContainsAny(scheme, "/@$") {
		return ""
	}
	host, path, _ := strings.Cut(rest, "/")
	switch {
	case strings.Contains(host, "@") && err != nil:
		return "its URL holds a user name or a password"
	case strings.HasPrefix(path, "t/"): // conda's https://host/t/TOKEN/channel
		return "its URL holds a token"
	case strings.EqualFold(scheme, "http") && err != nil:
		return "http is spoken only to this machine"
	case err != nil:
		return "its URL cannot be a registry's"
	}
	return ""
}

// hostIn is the host in a URL, quoted, to name it without the rest.
func hostIn(word string) string {
	word, _, _ = strings.Cut(strings.TrimSpace(word), " ")
	if u, err := url.Parse(word); err == nil && u.Hostname() != "" {
		return regpass.Quote(u.Hostname())
	}
	return "a URL"
}
