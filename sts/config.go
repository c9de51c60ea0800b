package sts

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/regpass/regpass"
)

// Permission is what a token may do in a workspace. Neither includes the other.
type Permission string

// The two permissions.
const (
	Read  Permission = "read"
	Write Permission = "write"
)

// Permissions are one or both. In TOML they are a list, or a string for one.
type Permissions []Permission

// UnmarshalText reads one permission.
func (p *Permissions) UnmarshalText(text []byte) error {
	*p = Permissions{Permission(text)}
	return nil
}

// Config says who gets which token and which indexes are served. LoadConfig reads one from a file; a literal works too.
type Config struct {
	Listen        string        `toml:"listen"`         // host:port; 127.0.0.1:8080 if empty
	Insecure      bool          `toml:"insecure"`       // other machines may reach Listen without TLS
	TLSCert       string        `toml:"tls_cert"`       // PEM file; set both or, behind a proxy that speaks TLS, neither
	TLSKey        string        `toml:"tls_key"`        // PEM file
	PublicURL     string        `toml:"public_url"`     // address for clients: https://host, without a path
	TokenLifetime time.Duration `toml:"token_lifetime"` // one second to a day; one hour if zero
	SigningKey    string        `toml:"signing_key"`    // PEM file (PKCS #8), made if missing; empty: a key for this run
	MaxUpload     Size          `toml:"max_upload"`     // largest file accepted; 256 MiB if zero
	APIKeys       []APIKey      `toml:"api_key"`
	Trust         []Trust       `toml:"trust"`
	Indexes       []Index       `toml:"index"`

	// File is the absolute path of the file that LoadConfig read. Errors name it.
	File string `toml:"-"`
}

// APIKey is a long-lived key of a person or a machine. NewKey makes one.
type APIKey struct {
	Name        string      `toml:"name"`   // shown in the audit and in tokens
	SHA256      string      `toml:"sha256"` // of the key, in hex
	Workspaces  []string    `toml:"workspaces"`
	Permissions Permissions `toml:"permissions"`
	Expires     time.Time   `toml:"expires"` // zero: never
}

// Trust is a policy: it names ID tokens that can be exchanged for a token of this service.
type Trust struct {
	Name   string `toml:"name"`   // shown in the audit and in tokens; trust-1, trust-2, … if empty
	Issuer string `toml:"issuer"` // exactly as in the claim iss; https, or http on this machine
	// Audience must be one of the token's audiences. If empty it is the host of PublicURL, with its port unless that is
	// the scheme's own, so a token for another service that trusts the same issuer is refused here. Clients that ask are
	// told the audience of the first policy for Write. "pyx" and "pyx:trusted-access" are what clients use for pyx itself
	// and for the service that PYX_API_URL names; a token for them is good at every service that takes them.
	Audience string `toml:"audience"`
	// Claims maps claims to patterns, all of which must match. A * matches any run of characters, including /; every
	// other character matches itself. A claim that is not a string is compared as JSON text.
	Claims    map[string]string `toml:"claims"`
	Workspace string            `toml:"workspace"`
	Index     string            `toml:"index"` // the only index that the token is valid for; empty: the workspace
	// Permissions are what tokens of the policy may be for. Each has one: Write from Trusted Publishing, Read from Trusted
	// Access.
	Permissions Permissions   `toml:"permissions"`
	Lifetime    time.Duration `toml:"lifetime"` // one second to a day; TokenLifetime if zero
}

// subject is the claim sub of the policy's tokens.
func (t Trust) subject() string { return "trust:" + t.Name }

// Kind is the protocol of a package index.
type Kind string

// The two kinds.
const (
	PyPI  Kind = "pypi"
	Conda Kind = "conda"
)

// Index is a source of packages: a folder, or an upstream server that the service queries for the client.
type Index struct {
	Workspace string `toml:"workspace"`
	Name      string `toml:"name"` // pyx calls it a view or a registry, conda a channel
	Kind      Kind   `toml:"kind"`
	Folder    string `toml:"folder"`   // a flat folder of wheels and sdists, or a conda channel
	Upstream  string `toml:"upstream"` // URL of a Simple API (…/simple) or a channel
	// Reserved are patterns of project names, such as acme-*, that are at home in this index of PyPI: where one is missing
	// the answer is 403, at which uv stops, and never 404, at which it asks the next index. The workspace's other indexes
	// neither serve nor take them.
	Reserved []string `toml:"reserved"`
	// UpstreamHosts are other hosts that upstream's links and redirects may lead to: exact, or *.suffix. The credential
	// is never sent to them.
	UpstreamHosts     []string `toml:"upstream_hosts"`
	UpstreamUsername  string   `toml:"upstream_username"`   // Basic with this name; empty: Bearer
	UpstreamTokenFile string   `toml:"upstream_token_file"` // read for every request, so it may be rotated
	UpstreamTokenEnv  string   `toml:"upstream_token_env"`  // name of a variable
}

// Size is a number of bytes. In TOML it is an integer, or a string like "256 MiB".
type Size int64

// units are the units of a Size, in bytes.
var units = map[string]int64{
	"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
}

// UnmarshalText reads a number of bytes with an optional unit: B, KB, MB, GB, KiB, MiB or GiB.
func (s *Size) UnmarshalText(text []byte) error {
	t := strings.TrimSpace(string(text))
	digits := strings.TrimRight(t, " BKMGi")
	unit, known := units[strings.TrimSpace(t[len(digits):])]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !known || n < 0 || n > math.MaxInt64/unit {
		return fmt.Errorf(`not a size such as 268435456 or "256 MiB"`)
	}
	*s = Size(n * unit)
	return nil
}

// sharedAudience begins the audiences that clients use for more than one service: pyx and pyx:trusted-access (uv,
// pyx-auth-action test.py; uv branch ww/ta, crates/uv-auth/src/pyx.rs).
const sharedAudience = "pyx"

// Warnings are sentences about settings that work but are less safe than they could be.
func (c Config) Warnings() []string {
	var all []string
	for _, t := range c.complete().Trust {
		if first, _, _ := strings.Cut(t.Audience, ":"); first == sharedAudience {
			all = append(all, fmt.Sprintf("the policy %s takes identities for the audience %s, which other services take, too; "+
				"without the setting audience it takes only those for %s", regpass.Quote(t.Name), t.Audience, c.audience()))
		}
	}
	return all
}

// audience is the service's own: host[:port] of PublicURL without the scheme's own port.
func (c Config) audience() string {
	u, err := url.Parse(c.PublicURL)
	if err != nil {
		return ""
	}
	host := strings.ToLower(u.Host)
	if port := map[string]string{"https": ":443", "http": ":80"}[u.Scheme]; port != "" {
		host = strings.TrimSuffix(host, port)
	}
	return host
}

// Defaults of a Config.
const (
	defaultListen    = "127.0.0.1:8080"
	defaultLifetime  = time.Hour
	defaultMaxUpload = 256 << 20
)

// complete returns a copy of c with the defaults filled in.
func (c Config) complete() Config {
	if c.Listen == "" {
		c.Listen = defaultListen
	}
	if c.TokenLifetime == 0 {
		c.TokenLifetime = defaultLifetime
	}
	if c.MaxUpload == 0 {
		c.MaxUpload = defaultMaxUpload
	}
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	c.Trust = append([]Trust(nil), c.Trust...)
	for i := range c.Trust {
		t := &c.Trust[i]
		if t.Name == "" {
			t.Name = fmt.Sprintf("trust-%d", i+1)
		}
		if t.Audience == "" {
			t.Audience = c.audience()
		}
		if t.Lifetime == 0 {
			t.Lifetime = c.TokenLifetime
		}
	}
	return c
}
