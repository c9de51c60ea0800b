package regpass

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Ref is a REGISTRY as a person writes it: a URL or a bare host, then key=value options.
type Ref struct {
	URL     *url.URL          // without user, query and fragment; a bare host has the path "/"
	Host    string            // lower-case, with :port unless it is the scheme's default; "s3://bucket[/prefix]" for s3
	Bare    bool              // only a host was written
	User    string            // user name before @ in the URL, or empty; the option username goes before it
	Options map[string]string // never nil
	Origin  string            // where it was written: "the command line", a file's path
	Trusted bool              // written by the person who runs the program, not in the checkout, or Vouched
	Vouched bool              // the checkout names it, and a file of the person's own its origin
}

// Named is a registry under the name that a client's own files give it.
type Named struct {
	Client string // the sink that needs the name: "cargo"
	Name   string
	URL    string // as the file has it
}

// String is the normal form, without options.
func (r Ref) String() string {
	if r.Bare {
		return r.Host
	}
	return r.URL.String()
}

// Text is the registry with its user name and its options, as a person could write it again.
func (r Ref) Text() string {
	first := r.String()
	switch {
	case r.User == "":
	case r.Bare:
		first = url.User(r.User).String() + "@" + r.Host
	default:
		u := *r.URL
		u.User = url.User(r.User)
		first = u.String()
	}
	words := []string{first}
	for _, k := range slices.Sorted(maps.Keys(r.Options)) {
		words = append(words, k+"="+r.Options[k])
	}
	return strings.Join(words, " ")
}

// Args is Text as arguments in a shell's command line, for hints.
func (r Ref) Args() string {
	words := strings.Fields(r.Text())
	for i, w := range words {
		if plainWord().MatchString(w) {
			continue
		}
		if strings.ContainsFunc(w, func(c rune) bool { return c < ' ' || c > '~' }) { // it is shown and cannot be pasted
			w = strings.Trim(strconv.QuoteToASCII(w), `"`)
		}
		words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
	}
	return strings.Join(words, " ")
}

// NamedBy tells who named a ref that is not Trusted: a file of the checkout, or a variable, which a job's file can set.
func (r Ref) NamedBy() string {
	if strings.HasPrefix(r.Origin, "the variable ") {
		return r.Origin
	}
	return r.Origin + ", a file of the checkout"
}

var (
	refOption = Pattern(`^([a-z][a-z0-9-]*)=(.*)$`)
	hostName  = Pattern(`^(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$`)
	ipv6      = Pattern(`^\[[0-9a-f:.]+\]$`)
	plainWord = Pattern(`^[A-Za-z0-9_./:@%+,=-]+$`)
)

// What to write instead of a REGISTRY that is none.
const (
	emptyHint  = "the variable in its place may not be set: name the registry's URL or host"
	optionHint = "behind the URL, write each option as key=value; a space within the URL is %20"
	plainHint  = "write https://; no secret is sent by http, which others can read on the way"
	schemeHint = "write the URL with https://, without git+, sparse+ or the like, or for images the host alone"
	refHint    = "a registry is named by its URL or its host, such as https://pkgs.example/simple"
)

// ParseRef reads one REGISTRY: words between white space, the first a URL or a host, the others key=value. Its errors
// are ErrUsage and show no part of the text that may be a secret; see hideSecrets.
func ParseRef(text string) (Ref, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return Ref{}, Hintf(Usagef("the registry is empty"), "%s", emptyHint)
	}
	if kv := refOption().FindStringSubmatch(words[0]); kv != nil {
		option := kv[1]
		tooLong := func(word string) bool { return len(word) > len("connection") }
		if len(option) > len("requested-token-type") || slices.ContainsFunc(strings.Split(option, "-"), tooLong) {
			option = mark // no option has a longer name
		}
		return Ref{}, Hintf(Usagef("the option %s= comes before its registry", option),
			"write the registry first: `https://… %s=…`", option)
	}
	shown := Quote(hideSecrets(words))
	r := Ref{Options: map[string]string{}}
	for _, w := range words[1:] {
		kv := refOption().FindStringSubmatch(w)
		if kv == nil {
			return Ref{}, Hintf(Usagef("registry %s: an option is not key=value", shown), "%s", optionHint)
		}
		if _, twice := r.Options[kv[1]]; twice {
			return Ref{}, Usagef("registry %s: an option is given twice", shown)
		}
		r.Options[kv[1]] = kv[2]
	}
	err := r.parseURL(words[0])
	if err == nil {
		err = r.checkUser()
	}
	if err != nil {
		return Ref{}, tagged{fmt.Errorf("registry %s: %w", shown, err), ErrUsage}
	}
	return r, nil
}

// IsRefOption reports whether an argument is an option of the registry before it.
func IsRefOption(arg string) bool { return refOption().MatchString(arg) }

// RefTexts joins the arguments of a command so that each text is one REGISTRY: an argument that is an option belongs to
// the registry before it.
func RefTexts(args []string) []string {
	var texts []string
	for _, arg := range args {
		if last := len(texts) - 1; last >= 0 && IsRefOption(arg) {
			texts[last] += " " + arg
			continue
		}
		texts = append(texts, arg)
	}
	return texts
}

// parseURL fills in URL, Host and Bare from the first word.
func (r *Ref) parseURL(word string) error {
	if !strings.Contains(word, "://") {
		r.Bare = !strings.Contains(word, "/")
		if r.Bare && looksLikeToken(word) {
			return Hintf(fmt.Errorf("the host looks like a token"), "%s", hostHint)
		}
		word = defaultScheme(word) + word
	}
	u, err := url.Parse(word)
	if err != nil {
		return Hintf(fmt.Errorf("not a URL or a host"), "%s", refHint)
	}
	if _, has := u.User.Password(); has {
		return Hintf(fmt.Errorf("the URL holds a password"), "%s", passwordHint)
	}
	r.User = u.User.Username()
	u.User, u.Scheme = nil, strings.ToLower(u.Scheme)
	if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return Hintf(fmt.Errorf("a registry's URL has no query and no fragment"), "leave out all from ? or # on")
	}
	if u.Host, err = normalHost(u); err != nil {
		return err
	}
	if hasDotSegment(u) {
		return fmt.Errorf("a registry's URL has no . and .. segments in its path")
	}
	if u.Scheme != "s3" && tokenInPath().MatchString(u.Path) {
		return Hintf(fmt.Errorf("the URL holds a conda token"), "%s", tokenHint)
	}
	switch u.Scheme {
	case "https":
	case "http":
		if !Loopback(u.Hostname()) {
			return Hintf(fmt.Errorf("http is spoken only to this machine; use https"), "%s", plainHint)
		}
	case "s3":
		if r.User != "" {
			return fmt.Errorf("the URL of a bucket has no user name")
		}
		u.Path = strings.TrimRight(u.Path, "/")
		r.URL, r.Host = u, u.String()
		return nil
	default:
		return Hintf(fmt.Errorf("the scheme %s is not https", Quote(u.Scheme)), "%s", schemeHint)
	}
	if u.Path == "" {
		u.Path = "/"
	}
	r.URL, r.Host = u, u.Host
	return nil
}

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
	if host == "" {
		return "", Hintf(errors.New(`"" is not a host name`), "%s", refHint)
	}
	if !hostName().MatchString(host) && !ipv6().MatchString(host) {
		hint := refHint
		if strings.ContainsFunc(host, func(r rune) bool { return r > unicode.MaxASCII }) {
			hint = "write a name outside ASCII in its xn-- form"
		}
		return "", Hintf(fmt.Errorf("%s is not a host name", Quote(hideHost(host))), "%s", hint)
	}
	port := u.Port()
	if port != "" && port != map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		host += ":" + port
	}
	return host, nil
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
