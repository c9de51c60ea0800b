package envsync

import (
	"fmt"
	"net"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/regpass/regpass"
)

// Entry is one credential to hand over.
type Entry struct {
	Ref       regpass.Ref // Options["name"]: the index name, if it has one
	Cred      regpass.Credential
	ClientVar string // variable of the registry's own client, or ""
}

// hostPort is a name or an IPv4 address, or an IPv6 address in brackets, and perhaps a port.
var hostPort = regpass.Pattern(`^([a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(:[0-9]+)?$`)

// Host returns the credential's host without port.
func (e Entry) Host() (string, error) {
	m := hostPort().FindStringSubmatch(e.Cred.Host)
	if m == nil {
		return "", fmt.Errorf("%s is not a host", regpass.Quote(e.Cred.Host))
	}
	return m[1], nil
}

// IsIP reports whether a host is an address rather than a name.
func IsIP(host string) bool { return net.ParseIP(strings.Trim(host, "[]")) != nil }

// same reports whether two entries hand over the same credential. It looks at fingerprints, not at secrets.
func (e Entry) same(other Entry) bool {
	a, b := e.Cred, other.Cred
	return a.Kind == b.Kind && a.Username == b.Username && a.Secret.Fingerprint() == b.Secret.Fingerprint() &&
		a.SessionToken.Fingerprint() == b.SessionToken.Fingerprint()
}

// Distinct keeps one entry for each key that a format knows, and refuses two credentials under one key.
func Distinct(format string, entries []Entry, key func(Entry) (string, error)) ([]string, []Entry, error) {
	var keys []string
	var kept []Entry
	first := map[string]Entry{}
	for _, e := range entries {
		k, err := key(e)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", format, err)
		}
		other, twice := first[k]
		switch {
		case !twice:
			first[k] = e
			keys, kept = append(keys, k), append(kept, e)
		case e.same(other):
		case e.Cred.Host != other.Cred.Host:
			return nil, nil, regpass.Hintf(regpass.Usagef("%s: %s and %s differ only in the port, and %s has no ports",
				format, other.Cred.Host, e.Cred.Host, format),
				"use two runs, one for each, or a sink that knows ports: env or uv")
		default:
			return nil, nil, regpass.Hintf(regpass.Usagef("%s: %s and %s have two credentials, and %s has one for %s",
				format, other.Ref, e.Ref, format, k),
				"use two runs, one for each, or give each a name=INDEX and use the sink env")
		}
	}
	return keys, kept, nil
}

// Printable returns why no header can carry text, or "".
func Printable(text string) string {
	switch {
	case text == "":
		return "is empty"
	case !utf8.ValidString(text):
		return "is not UTF-8"
	case strings.ContainsFunc(text, unicode.IsControl):
		return "holds a control character"
	}
	return ""
}

// UserName returns why a user name cannot be sent as Basic authentication (RFC 7617), or "".
func UserName(name string) string {
	if strings.Contains(name, ":") {
		return "holds a colon"
	}
	return Printable(name)
}
