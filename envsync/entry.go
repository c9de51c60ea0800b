package envsync

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/regpass/regpass"
)

// Entry is one credential for the clients.
type Entry struct {
	Ref       regpass.Ref // Options["name"]: the index name, if it has one
	Cred      regpass.Credential
	ClientVar string // variable of the registry's own client, or ""
	Images    bool   // the host has container images, or may have
}

// hostPort matches a name, an IPv4 address, or an IPv6 address in brackets, with or without a port.
var hostPort = regpass.Pattern(`^([a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(:[0-9]+)?$`)

// Host returns the credential's host without port.
func (e Entry) Host() (string, error) {
	m := hostPort().FindStringSubmatch(e.Cred.Host)
	if m == nil {
		return "", fmt.Errorf("%s is not a host", regpass.Quote(e.Cred.Host))
	}
	return m[1], nil
}

// ErrPorts means that a file without ports must not hold the credential of a server on a port of its own.
var ErrPorts = errors.New("its clients know no ports and would send the credential to every port of the host")

// CheckPorts returns why a file that names hosts without ports must not hold the credential, or nil. It wraps ErrPorts.
// The person may allow it with ports=any. A server on this machine is nobody else's on any port.
func (e Entry) CheckPorts() error {
	host, err := e.Host()
	if err != nil || host == e.Cred.Host || regpass.Loopback(host) || e.Ref.Options["ports"] == "any" {
		return nil // what is no host is refused elsewhere
	}
	return regpass.Hintf(fmt.Errorf("%s: %w", e.Cred.Host, ErrPorts),
		"uv gets it by the sink uv; if all ports of %s may have it, add ports=any to the registry", host)
}

// ErrNotTheirs means that a client has no use for the credential, so nobody misses it there.
var ErrNotTheirs = errors.New("it has nothing for the client")

// ErrShared means that a file that has one credential for a host can hold neither of two: clients would send it for
// both.
var ErrShared = errors.New("another registry there has another credential, and the file holds one for a host")

// CheckShared returns why a file of the format must not hold the credential besides those of the others, or nil. It
// wraps ErrShared.
func (f Format) CheckShared(e Entry, others []Entry) error {
	if f.Keys == nil {
		return nil
	}
	keys := f.Keys([]Entry{e})
	for _, o := range others {
		same := func(key string) bool { return slices.Contains(keys, key) }
		if !e.same(o) && slices.ContainsFunc(f.Keys([]Entry{o}), same) && f.Carries(o) == nil {
			return fmt.Errorf("%s: %w", e.Ref, ErrShared)
		}
	}
	return nil
}

// LeftOut is the warning that a sink or a build's file goes without a credential for the reason in err.
func LeftOut(err error) string {
	return fmt.Sprintf("left out: %v; %s", err, strings.Join(regpass.Hints(err), "; "))
}

// IsIP reports whether a host is an address rather than a name.
func IsIP(host string) bool { return net.ParseIP(strings.Trim(host, "[]")) != nil }

// same reports whether two entries hold the same credential. It compares fingerprints, not secrets.
func (e Entry) same(other Entry) bool {
	a, b := e.Cred, other.Cred
	return a.Kind == b.Kind && a.Username == b.Username && a.Secret.Fingerprint() == b.Secret.Fingerprint() &&
		a.SessionToken.Fingerprint() == b.SessionToken.Fingerprint()
}

// Distinct keeps one entry for each key of a format, and refuses two credentials under one key. keys[i] is the key of
// kept[i].
func Distinct(format string, entries []Entry, key func(Entry) (string, error)) (
	keys []string, kept []Entry, err error) {
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
			err := regpass.Usagef("%s: %s and %s differ only in the port, and %s has no ports",
				format, other.Cred.Host, e.Cred.Host, format)
			return nil, nil, regpass.Hintf(err, "use two runs, one for each, or the sink uv, which has ports")
		default:
			err := regpass.Usagef("%s: %s and %s have two credentials, and %s holds only one for %s",
				format, other.Ref, e.Ref, format, k)
			return nil, nil, regpass.Hintf(err, "use two runs, one for each")
		}
	}
	return keys, kept, nil
}

// CheckPrintable returns why no header can carry text, or nil. The error completes a sentence that begins with the name
// of the value: "is empty".
func CheckPrintable(text string) error {
	switch {
	case text == "":
		return errors.New("is empty")
	case !utf8.ValidString(text):
		return errors.New("is not UTF-8")
	case strings.ContainsFunc(text, unicode.IsControl):
		return errors.New("holds a control character")
	}
	return nil
}

// CheckUserName returns why a user name cannot be sent as Basic authentication, or nil. It may be empty (RFC 7617). The
// error reads like that of CheckPrintable.
func CheckUserName(name string) error {
	switch {
	case name == "":
		return nil
	case strings.Contains(name, ":"):
		return errors.New("holds a colon")
	}
	return CheckPrintable(name)
}
