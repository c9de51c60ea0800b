package sts

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/regpass/regpass"
)

// keyError is a bad setting. Key is its path, with tables counted from 0: trust[1].issuer.
type keyError struct {
	Key string
	Err error
}

func (e *keyError) Error() string { return e.Key + ": " + e.Err.Error() }
func (e *keyError) Unwrap() error { return e.Err }

// plainName is a valid name of a workspace or index. It is short and lower-case so that no key or token can match.
var plainName = regpass.Pattern(`^[a-z0-9](?:[a-z0-9._-]{0,38}[a-z0-9])?$`)

var (
	label = regpass.Pattern(`^[A-Za-z0-9][A-Za-z0-9 ._@/+-]{0,63}$`)
	// reservedPattern is a project's name with stars in it, and not stars alone.
	reservedPattern = regpass.Pattern(`^[*._-]*[A-Za-z0-9][A-Za-z0-9*._-]*$`)

	hostPattern = regpass.Pattern(`^(?:\*\.)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?$`)
)

// Bounds of a token's life.
const (
	minLifetime = time.Second // the resolution of times in a JSON Web Token
	maxLifetime = 24 * time.Hour
)

// checkListen refuses to let other machines in without TLS unless that is said.
func (c Config) checkListen() error {
	host, _, _ := net.SplitHostPort(c.Listen)
	if c.TLSCert != "" || c.Insecure || regpass.Loopback(host) {
		return nil
	}
	err := &keyError{"listen", fmt.Errorf("other machines could reach %s without TLS", c.Listen)}
	return regpass.Hintf(err, "set tls_cert and tls_key; behind a proxy that speaks TLS, "+
		"say insecure = true or --insecure")
}

// check refuses a Config that cannot work or that trusts more than its author meant. c is complete.
func (c Config) check() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return &keyError{"listen", errors.New("not host:port")}
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return &keyError{"tls_cert", errors.New("tls_cert and tls_key go together")}
	}
	if err := checkOrigin(c.PublicURL); err != nil {
		return &keyError{"public_url", err}
	}
	if err := checkLifetime(c.TokenLifetime); err != nil {
		return &keyError{"token_lifetime", err}
	}
	if c.MaxUpload < 0 {
		return &keyError{"max_upload", errors.New("negative")}
	}
	return errors.Join(
		firstOf("api_key", c.APIKeys, APIKey.check),
		firstOf("trust", c.Trust, Trust.check),
		firstOf("index", c.Indexes, Index.check),
	)
}

// firstOf checks a list of tables and returns the first bad key, with its table's position in the list.
func firstOf[T any](table string, rows []T, check func(T, []T) *keyError) error {
	for i, row := range rows {
		if bad := check(row, rows[:i]); bad != nil {
			return &keyError{fmt.Sprintf("%s[%d].%s", table, i, bad.Key), bad.Err}
		}
	}
	return nil
}

func (k APIKey) check(before []APIKey) *keyError {
	sum, err := hex.DecodeString(k.SHA256)
	switch {
	case !label().MatchString(k.Name):
		return &keyError{"name", errors.New("missing, or not 1 to 64 letters, digits and ._@/+-")}
	case slices.ContainsFunc(before, func(o APIKey) bool { return o.Name == k.Name }):
		return &keyError{"name", errors.New("another key has this name")}
	case err != nil || len(sum) != 32:
		return &keyError{"sha256", errors.New("not 64 hex digits; it is the SHA-256 of the key, never the key itself")}
	case noKey(k.SHA256):
		return &keyError{"sha256", regpass.Hintf(errors.New("a placeholder, not the SHA-256 of a key"),
			"`regpass serve key new` makes a key and prints its SHA-256")}
	case slices.ContainsFunc(before, func(o APIKey) bool { return strings.EqualFold(o.SHA256, k.SHA256) }):
		return &keyError{"sha256", errors.New("another entry has this key")}
	case len(k.Workspaces) == 0 || slices.ContainsFunc(k.Workspaces, badName):
		return &keyError{"workspaces", errNames}
	case badPermissions(k.Permissions):
		return &keyError{"permissions", errPermissions}
	}
	return nil
}

func (t Trust) check(before []Trust) *keyError {
	switch {
	case !label().MatchString(t.Name):
		return &keyError{"name", errors.New("not 1 to 64 letters, digits and ._@/+-")}
	case slices.ContainsFunc(before, func(o Trust) bool { return o.Name == t.Name }):
		return &keyError{"name", errors.New("another policy has this name")}
	case badPermissions(t.Permissions):
		return &keyError{"permissions", errPermissions}
	case badName(t.Workspace):
		return &keyError{"workspace", errNames}
	case t.Index != "" && badName(t.Index):
		return &keyError{"index", errNames}
	}
	if u, err := url.Parse(t.Issuer); err != nil || u.RawQuery != "" || u.Fragment != "" {
		return &keyError{"issuer", errors.New("not the URL of an issuer")}
	} else if err := regpass.CheckEndpoint(u); err != nil {
		return &keyError{"issuer", err}
	}
	if err := checkLifetime(t.Lifetime); err != nil {
		return &keyError{"lifetime", err}
	}
	if err := checkClaims(t); err != nil {
		return &keyError{"claims", err}
	}
	return nil
}

func (x Index) check(before []Index) *keyError {
	switch {
	case badName(x.Workspace):
		return &keyError{"workspace", errNames}
	case badName(x.Name):
		return &keyError{"name", errNames}
	case x.Kind != PyPI && x.Kind != Conda:
		return &keyError{"kind", errors.New(`neither "pypi" nor "conda"`)}
	case slices.ContainsFunc(before, func(o Index) bool { return o.id() == x.id() }):
		return &keyError{"name", errors.New("another index of this workspace and kind has this name")}
	case (x.Folder == "") == (x.Upstream == ""):
		return &keyError{"folder", errors.New("an index has either a folder or an upstream")}
	case x.Folder != "" && x.UpstreamUsername+x.UpstreamTokenEnv+x.UpstreamTokenFile != "",
		x.Folder != "" && x.UpstreamHosts != nil:
		return &keyError{"folder", errors.New("an index with a folder has no upstream_ settings")}
	case x.UpstreamTokenFile != "" && x.UpstreamTokenEnv != "":
		return &keyError{"upstream_token_file", errors.New("upstream_token_file and upstream_token_env exclude each other")}
	case x.Kind != PyPI && x.Reserved != nil:
		return &keyError{"reserved", errors.New("only an index of the kind pypi is asked for one project at a time")}
	case slices.ContainsFunc(x.Reserved, func(p string) bool { return !reservedPattern().MatchString(p) }):
		return &keyError{"reserved", errors.New(`not a list of project names, with * for any characters, such as "acme-*"`)}
	case slices.ContainsFunc(x.UpstreamHosts, func(h string) bool { return !hostPattern().MatchString(h) }):
		return &keyError{"upstream_hosts", errors.New("not a list of lower-case host names or *.suffix")}
	case x.Upstream == "":
		return nil
	}
	if u, err := url.Parse(x.Upstream); err != nil || u.RawQuery != "" || u.Fragment != "" {
		return &keyError{"upstream", errors.New("not the URL of an index")}
	} else if err := regpass.CheckEndpoint(u); err != nil {
		return &keyError{"upstream", err}
	}
	return nil
}

func badName(s string) bool { return !plainName().MatchString(s) }

func badPermissions(all []Permission) bool {
	return len(all) == 0 || slices.ContainsFunc(all, func(p Permission) bool { return p != Read && p != Write })
}

// noKey reports whether a SHA-256 in hex is that of no key: the sum of nothing or of a line break, or a placeholder,
// which is eight characters again and again or the digits in their order.
func noKey(sum string) bool {
	sum = strings.ToLower(sum)
	for _, text := range []string{"", "\n"} {
		if of := sha256.Sum256([]byte(text)); sum == hex.EncodeToString(of[:]) {
			return true
		}
	}
	return sum == strings.Repeat(sum[:8], 8) || sum == strings.Repeat("0123456789abcdef", 4)
}

var errPermissions = errors.New(`neither "read" nor "write", nor a list of them`)

var errNames = errors.New("missing, or not 1 to 40 lower-case letters, digits and ._-")

func checkLifetime(d time.Duration) error {
	if d < minLifetime || d > maxLifetime {
		return fmt.Errorf("not between %s and %s", minLifetime, maxLifetime)
	}
	return nil
}

// checkOrigin refuses a URL with a path: uv drops the path of PYX_API_URL.
func checkOrigin(raw string) error {
	u, err := url.Parse(raw)
	if raw == "" || err != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("missing, or not scheme and host only")
	}
	return regpass.CheckEndpoint(u)
}
