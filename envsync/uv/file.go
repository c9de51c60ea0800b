package uv

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/BurntSushi/toml"
)

// store is uv's text store (crates/uv-auth/src/store.rs, TomlCredentials).
type store struct {
	Credential []credential `toml:"credential"`
}

type credential struct {
	Service  string  `toml:"service"`
	Username *string `toml:"username,omitempty"`
	Scheme   string  `toml:"scheme,omitempty"` // "basic" if absent, or "bearer"
	Password *string `toml:"password,omitempty"`
	Token    *string `toml:"token,omitempty"`
}

// parse reads a store by uv's rules: one bad entry is a bad file. Fields it does not know are dropped. Errors never
// show what the file holds.
func parse(data []byte) (store, error) {
	var f store
	if err := toml.Unmarshal(data, &f); err != nil {
		var at toml.ParseError
		if errors.As(err, &at) {
			return f, fmt.Errorf("line %d is not TOML", at.Position.Line)
		}
		return f, errors.New("it is not a list of credentials in TOML")
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

// realm is scheme, host and port of the service: uv looks for credentials among those of one realm, and there takes
// the one with the longest path.
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

func (f store) encode() ([]byte, error) {
	var b bytes.Buffer
	e := toml.NewEncoder(&b)
	e.Indent = ""
	if err := e.Encode(f); err != nil {
		return nil, errors.New("uv: the credentials cannot be written as TOML")
	}
	return b.Bytes(), nil
}
