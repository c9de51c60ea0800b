package rattler

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// keyRule says under which keys rattler finds a credential.
type keyRule struct{ wildcard bool }

var (
	exact    = keyRule{}
	wildcard = keyRule{wildcard: true}
)

// of lists the keys for one entry: the host exactly, for that beats every wildcard wherever it stands, and on demand
// *.host, which is its subdomains. There is no wildcard for addresses, for s3, and for a name without a dot, which
// would be all of a top-level domain.
func (r keyRule) of(e envsync.Entry) ([]string, error) {
	key, err := keyOf(e)
	if err != nil {
		return nil, err
	}
	if r.wildcard && wildcardable(key) {
		return []string{key, "*." + key}, nil
	}
	return []string{key}, nil
}

func wildcardable(key string) bool {
	return strings.Contains(key, ".") && !envsync.IsIP(key) && !strings.HasPrefix(key, "s3://")
}

// keyOf is what rattler looks up (authentication_storage/storage.rs): the host without port, an IPv6 address in
// brackets; for s3 the URL, of which it tries ever shorter parts without the closing slash.
func keyOf(e envsync.Entry) (string, error) {
	if e.Cred.Kind != regpass.S3 {
		return e.Host()
	}
	key := e.Cred.Host
	if strings.HasPrefix(e.Ref.Host, key+"/") {
		key = e.Ref.Host
	}
	if !strings.HasPrefix(key, "s3://") || envsync.Printable(key) != "" || strings.HasSuffix(key, "/") || key == "s3:/" {
		return "", fmt.Errorf("%s is not an s3://bucket", regpass.Quote(key))
	}
	return key, nil
}

func (r keyRule) keys(entries []envsync.Entry) []string {
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
	if why := envsync.Printable(secret); why != "" {
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
		if why := envsync.UserName(c.Username); why != "" {
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
		if why := envsync.Printable(c.Username); why != "" {
			return nil, fmt.Errorf("the access key id %s", why)
		}
		token := c.SessionToken.Reveal()
		if why := envsync.Printable(token); token != "" && why != "" {
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
