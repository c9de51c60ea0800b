package envsync

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/regpass/regpass"
)

// rattlerKeys says under which keys rattler is to find a credential.
type rattlerKeys struct{ wildcard bool }

var (
	rattlerExact    = rattlerKeys{}
	rattlerWildcard = rattlerKeys{wildcard: true}
)

// of lists the keys for one entry: the host exactly, for that beats every wildcard wherever it stands, and on demand
// *.host, which is its subdomains. There is no wildcard for addresses, for s3, and for a name without a dot, which
// would be all of a top-level domain.
func (r rattlerKeys) of(e Entry) ([]string, error) {
	key, err := rattlerKey(e)
	if err != nil {
		return nil, err
	}
	if r.wildcard && wildcardable(key) {
		return []string{key, "*." + key}, nil
	}
	return []string{key}, nil
}

func wildcardable(key string) bool {
	return strings.Contains(key, ".") && !isIP(key) && !strings.HasPrefix(key, "s3://")
}

// rattlerKey is what rattler looks up (authentication_storage/storage.rs): the host without port, an IPv6 address in
// brackets; for s3 the URL, of which it tries ever shorter parts without the closing slash.
func rattlerKey(e Entry) (string, error) {
	if e.Cred.Kind != regpass.S3 {
		return e.host()
	}
	key := e.Cred.Host
	if strings.HasPrefix(e.Ref.Host, key+"/") {
		key = e.Ref.Host
	}
	if !strings.HasPrefix(key, "s3://") || printable(key) != "" || strings.HasSuffix(key, "/") || key == "s3:/" {
		return "", fmt.Errorf("%s is not an s3://bucket", regpass.Quote(key))
	}
	return key, nil
}

func (r rattlerKeys) keys(entries []Entry) []string {
	var all []string
	for _, e := range entries {
		if keys, err := r.of(e); err == nil {
			all = append(all, keys...)
		}
	}
	return all
}

// authentication is the JSON that rattler reads a credential from.
func authentication(c regpass.Credential) ([]byte, error) {
	secret := c.Secret.Reveal()
	if why := printable(secret); why != "" {
		return nil, fmt.Errorf("the secret %s", why)
	}
	var v any
	switch c.Kind {
	case regpass.Bearer:
		if strings.Contains(secret, " ") {
			return nil, errors.New("the token holds a space")
		}
		v = struct{ BearerToken string }{secret}
	case regpass.Basic:
		if why := userName(c.Username); why != "" {
			return nil, fmt.Errorf("the user name %s", why)
		}
		v = struct{ BasicHTTP any }{struct {
			Username string `json:"username"`
			Password string `json:"password"`
		}{c.Username, secret}}
	case regpass.CondaToken:
		// It becomes a part of the path, /t/TOKEN/channel.
		if strings.ContainsAny(secret, ` /\?#%`) || strings.Trim(secret, ".") == "" {
			return nil, errors.New("the token holds what a URL's path cannot")
		}
		v = struct{ CondaToken string }{secret}
	case regpass.S3:
		if why := printable(c.Username); why != "" {
			return nil, fmt.Errorf("the access key id %s", why)
		}
		token := c.SessionToken.Reveal()
		if why := printable(token); token != "" && why != "" {
			return nil, fmt.Errorf("the session token %s", why)
		}
		v = struct{ S3Credentials any }{struct {
			ID    string `json:"access_key_id"`
			Key   string `json:"secret_access_key"`
			Token string `json:"session_token,omitempty"`
		}{c.Username, secret, token}}
	default:
		return nil, fmt.Errorf("rattler has no %s credentials", c.Kind)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, errors.New("the credential cannot be written as JSON")
	}
	return bytes.TrimSpace(b.Bytes()), nil
}
