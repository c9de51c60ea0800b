package regpass

import (
	"fmt"
	"net/url"
	"strings"
)

// Ref is a REGISTRY as a person writes it: a URL or a bare host, then key=value options.
type Ref struct {
	URL     *url.URL          // without user, query and fragment; a bare host has the path "/"
	Host    string            // lower-case, with :port unless it is the scheme's default; "s3://bucket[/prefix]" for s3
	Bare    bool              // only a host was written
	Options map[string]string // never nil
	Origin  string            // where it was written: "the command line", a file's path
	Trusted bool              // written by the person who runs the program, not in the checkout
}

// String is the normal form, without options.
func (r Ref) String() string {
	if r.Bare {
		return r.Host
	}
	return r.URL.String()
}

// NamedBy tells who named a ref that is not Trusted: a file of the checkout, or a variable, which a job's file can set.
func (r Ref) NamedBy() string {
	if strings.HasPrefix(r.Origin, "the variable ") {
		return r.Origin
	}
	return r.Origin + ", a file of the checkout"
}

var (
	urlScheme = Pattern(`^[A-Za-z][A-Za-z0-9+.-]*://`)
	refOption = Pattern(`^([a-z][a-z0-9-]*)=(.*)$`)
	hostName  = Pattern(`^(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$`)
	ipv6      = Pattern(`^\[[0-9a-f:.]+\]$`)
)

// ParseRef reads one REGISTRY: words between white space, the first a URL or a host, the others key=value. Its errors
// are ErrUsage and never show a password in the URL.
func ParseRef(text string) (Ref, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return Ref{}, Usagef("the registry is empty")
	}
	shown := Quote(hideUser(strings.Join(words, " "))) // a password may hold white space
	r := Ref{Options: map[string]string{}}
	for _, w := range words[1:] {
		kv := refOption().FindStringSubmatch(w)
		if kv == nil {
			return Ref{}, Usagef("registry %s: an option is not key=value", shown)
		}
		if _, twice := r.Options[kv[1]]; twice {
			return Ref{}, Usagef("registry %s: an option is given twice", shown)
		}
		r.Options[kv[1]] = kv[2]
	}
	if err := r.parseURL(words[0]); err != nil {
		return Ref{}, tagged{fmt.Errorf("registry %s: %w", shown, err), ErrUsage}
	}
	return r, nil
}

// parseURL fills in URL, Host and Bare from the first word.
func (r *Ref) parseURL(word string) error {
	if !strings.Contains(word, "://") {
		r.Bare = !strings.Contains(word, "/")
		word = defaultScheme(word) + word
	}
	u, err := url.Parse(word)
	if err != nil {
		return fmt.Errorf("not a URL or a host")
	}
	if _, has := u.User.Password(); has {
		return Hintf(fmt.Errorf("the URL holds a password"), "%s", passwordHint)
	}
	u.User, u.Scheme = nil, strings.ToLower(u.Scheme)
	if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return fmt.Errorf("a registry's URL has no query and no fragment")
	}
	if u.Host, err = normalHost(u); err != nil {
		return err
	}
	if hasDotSegment(u) {
		return fmt.Errorf("a registry's URL has no . and .. segments in its path")
	}
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
	r.URL, r.Host = u, u.Host
	return nil
}

const passwordHint = "take it out of the URL and give it with --password-stdin; " +
	"you may have to replace it, because it has been in a file or a shell history"

// defaultScheme is the scheme of a URL that is written without one: http for this machine, https for any other.
func defaultScheme(word string) string {
	if u, err := url.Parse("http://" + word); err == nil && Loopback(u.Hostname()) {
		return "http://"
	}
	return "https://"
}

// normalHost is the host of u in lower case, with the port unless it is the scheme's default.
func normalHost(u *url.URL) (string, error) {
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if !hostName().MatchString(host) && !ipv6().MatchString(host) {
		return "", Hintf(fmt.Errorf("%s is not a host name", Quote(host)), "write a name outside ASCII in its xn-- form")
	}
	port := u.Port()
	if port != "" && port != map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		host += ":" + port
	}
	return host, nil
}

// hideUser replaces the text before the last @, except for a scheme, so that an error can show the rest.
func hideUser(text string) string {
	at := strings.LastIndex(text, "@")
	if at < 0 {
		return text
	}
	return urlScheme().FindString(text[:at]) + "…" + text[at:]
}

// ParseRefs reads the registries in a setting of the person who runs the program, one a line, so they are Trusted.
// It leaves out empty lines and lines that begin with #. origin names the setting; errors begin with it.
func ParseRefs(text, origin string) ([]Ref, error) {
	var refs []Ref
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		r, err := ParseRef(line)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", origin, err)
		}
		r.Origin, r.Trusted = origin, true
		refs = append(refs, r)
	}
	return refs, nil
}

// hasDotSegment reports whether a client that normalizes the path (RFC 3986, section 5.2.4) would ask for another one.
// Some clients decode %2e first.
func hasDotSegment(u *url.URL) bool {
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}
