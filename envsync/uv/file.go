package uv

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/regpass/regpass/internal/toml"
)

// store is uv's text store (crates/uv-auth/src/store.rs, TomlCredentials).
type store struct {
	Credential []credential `toml:"credential"`
}

type credential struct {
	Service  string  `toml:"service"`
	Username *string `toml:"username"`
	Scheme   string  `toml:"scheme"` // "basic" if absent, or "bearer"
	Password *string `toml:"password"`
	Token    *string `toml:"token"`
}

// parse reads a store by uv's rules: one bad credential makes the whole file bad, and unknown fields are dropped.
// Errors never show the content of the file.
func parse(data []byte) (store, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // a byte order mark, which go-toml does not skip as uv does
	var document map[string]any
	if err := toml.Unmarshal(data, &document); err != nil {
		return store{}, err
	}
	var f store
	if toml.Unmarshal(data, &f) != nil {
		return store{}, errors.New("it is not a list of credentials in TOML")
	}
	for i, c := range f.Credential {
		if err := c.check(); err != nil {
			return f, fmt.Errorf("credential %d: %w", i+1, err)
		}
	}
	return f, nil
}

// check is TryFrom<TomlCredentialWire> in uv.
func (c credential) check() error {
	if _, err := c.realm(); err != nil {
		return err
	}
	switch {
	case c.Scheme == "bearer" && c.Token == nil:
		return errors.New("bearer without token")
	case c.Scheme == "bearer" && (c.Username != nil || c.Password != nil):
		return errors.New("bearer with a user name or a password")
	case c.Scheme == "bearer":
	case c.Scheme != "" && c.Scheme != "basic":
		return errors.New("its scheme is neither basic nor bearer")
	case c.Username == nil:
		return errors.New("basic without user name")
	case c.Token != nil:
		return errors.New("basic with a token")
	}
	return nil
}

// realm is the scheme, host and port of the service. uv looks only at the credentials of one realm, and takes the one
// with the longest path.
func (c credential) realm() (string, error) {
	service := c.Service
	if !strings.Contains(service, "://") {
		service = "https://" + service
	}
	u, err := url.Parse(service)
	if err != nil || u.Hostname() == "" {
		return "", errors.New("its service is not a URL")
	}
	host := strings.ToLower(u.Hostname())
	// crates/uv-auth/src/service.rs
	if u.Scheme != "https" && (u.Scheme != "http" || host != "localhost" && host != "127.0.0.1") {
		return "", errors.New("its service is neither https nor on this machine")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return u.Scheme + "://" + host + ":" + port, nil
}

// encode writes the store, one field a line in uv's order, with an empty line between credentials.
func (f store) encode() []byte {
	if f.Credential != nil && len(f.Credential) == 0 {
		return []byte("credential = []\n") // uv requires the key
	}
	var b bytes.Buffer
	for i, c := range f.Credential {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString("[[credential]]\n")
		field := func(name, value string) { fmt.Fprintf(&b, "%s = %s\n", name, quote(value)) }
		field("service", c.Service)
		if c.Username != nil {
			field("username", *c.Username)
		}
		if c.Scheme != "" {
			field("scheme", c.Scheme)
		}
		if c.Password != nil {
			field("password", *c.Password)
		}
		if c.Token != nil {
			field("token", *c.Token)
		}
	}
	return b.Bytes()
}

// quote makes a basic string of UTF-8 text (https://toml.io/en/v1.0.0#string).
func quote(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch i := strings.IndexRune("\"\\\b\t\n\f\r", r); {
		case i >= 0:
			b.WriteString(`\` + `"\btnfr`[i:i+1])
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return `"` + b.String() + `"`
}
