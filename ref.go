package regpass

import (
	"fmt"
	"net/url"
	"strings"
)

// Ref is a REGISTRY as a person writes it: a URL or a bare host, then key=value options for what a URL cannot say.
type Ref struct {
	URL     *url.URL          // without user, query and fragment; a bare host has the path "/"
	Host    string            // lower-case, with :port unless it is the scheme's own; "s3://bucket[/prefix]" for s3
	Bare    bool              // only a host was written
	Options map[string]string // never nil
	From    string            // where it was written: "the command line", "pyproject.toml"
	Trusted bool              // written by whoever runs the program, not by the checkout it works on
}

// String is the REGISTRY in its normal form, without options.
func (r Ref) String() string {
	if r.Bare {
		return r.Host
	}
	return r.URL.String()
}

var (
	urlScheme = Pattern(`^[A-Za-z][A-Za-z0-9+.-]*://`)
	refOption = Pattern(`^([a-z][a-z0-9-]*)=(.*)$`)
	hostName  = Pattern(`^(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$`)
	ipv6      = Pattern(`^\[[0-9a-f:.]+\]$`)
)

// ParseRef reads one REGISTRY: words between white space, the first a URL or a host, the others key=value. Errors
// are ErrUsage and never show a password that the URL holds.
func ParseRef(text string) (Ref, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return Ref{}, Usagef("a registry is empty")
	}
	shown := Quote(hideUser(strings.Join(words, " "))) // a password may hold white space
	r := Ref{Options: map[string]string{}}
	for _, w := range words[1:] {
		kv := refOption().FindStringSubmatch(w)
		if kv == nil {
			return Ref{}, Usagef("registry %s: what follows the URL is not key=value", shown)
		}
		if _, twice := r.Options[kv[1]]; twice {
			return Ref{}, Usagef("registry %s: a key is given twice", shown)
		}
		r.Options[kv[1]] = kv[2]
	}
	if err := r.parseURL(words[0]); err != nil {
		return Ref{}, tagged{fmt.Errorf("registry %s: %w", shown, err), ErrUsage}
	}
	return r, nil
}

func (r *Ref) parseURL(word string) error {
	if !strings.Contains(word, "://") {
		r.Bare = !strings.Contains(word, "/")
		scheme := "https://"
		if u, err := url.Parse("http://" + word); err == nil && Loopback(u.Hostname()) {
			scheme = "http://"
		}
		word = scheme + word
	}
	u, err := url.Parse(word)
	if err != nil {
		return fmt.Errorf("not a URL or a host")
	}
	if _, has := u.User.Password(); has {
		return Hintf(fmt.Errorf("the URL holds a password"), "take it out of the URL and give it with --password-stdin; it may need to be replaced, for it has been in a file or a shell history")
	}
	u.User, u.Scheme = nil, strings.ToLower(u.Scheme)
	if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return fmt.Errorf("a registry's URL has no query and no fragment")
	}
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if !hostName().MatchString(host) && !ipv6().MatchString(host) {
		return Hintf(fmt.Errorf("%s is not a host name", Quote(host)), "a name outside ASCII is written in its xn-- form")
	}
	port := u.Port()
	if port != "" && port != map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		host += ":" + port
	}
	u.Host = host
	switch u.Scheme {
	case "https":
	case "http":
		if !Loopback(u.Hostname()) {
			return fmt.Errorf("http is spoken only to this machine; use https")
		}
	case "s3":
		u.Path = strings.TrimRight(u.Path, "/")
		r.URL, r.Host = u, u.String()
		return nil
	default:
		return fmt.Errorf("the scheme %s is not https", Quote(u.Scheme))
	}
	if u.Path == "" {
		u.Path = "/"
	}
	r.URL, r.Host = u, host
	return nil
}

// hideUser removes what stands before the last @ in text, but for a scheme, so that an error can show the rest.
func hideUser(text string) string {
	at := strings.LastIndex(text, "@")
	if at < 0 {
		return text
	}
	return urlScheme().FindString(text[:at]) + "…" + text[at:]
}

// ParseRefs reads one REGISTRY a line; empty lines and lines that begin with # are left out.
func ParseRefs(text, from string, trusted bool) ([]Ref, error) {
	var refs []Ref
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		r, err := ParseRef(line)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", from, err)
		}
		r.From, r.Trusted = from, trusted
		refs = append(refs, r)
	}
	return refs, nil
}
