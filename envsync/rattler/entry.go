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

// keyRule decides under which keys a credential is written.
type keyRule struct{ wildcard bool }

var (
	exact    = keyRule{}
	wildcard = keyRule{wildcard: true}
)

// keysFor lists the keys for one entry: the host itself, which wins over every wildcard in the file, and on demand
// *.host for its subdomains. Addresses, s3 buckets and names without a dot get no wildcard; the last would be a whole
// top-level domain.
func (r keyRule) keysFor(e envsync.Entry) ([]string, error) {
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

// keyOf is the key that rattler looks up (authentication_storage/storage.rs). It is the host without its port, an IPv6
// address in brackets. For s3 it is the URL, of which rattler tries ever shorter parts without a slash at the end.
func keyOf(e envsync.Entry) (string, error) {
	if e.Cred.Kind != regpass.S3 {
		return e.Host()
	}
	key := e.Cred.Host
	if strings.HasPrefix(e.Ref.Host, key+"/") {
		key = e.Ref.Host
	}
	if !strings.HasPrefix(key, "s3://") || strings.HasSuffix(key, "/") || envsync.CheckPrintable(key) != nil {
		return "", fmt.Errorf("%s is not an s3://bucket", regpass.Quote(key))
	}
	return key, nil
}

func (r keyRule) keys(entries []envsync.Entry) []string {
	var all []string
	for _, e := range entries {
		if keys, err := r.keysFor(e); err == nil {
			all = append(all, keys...)
		}
	}
	return all
}

// authentication is the JSON from which rattler reads a credential.
func authentication(c regpass.Credential) ([]byte, error) {
	v, err := authenticationOf(c)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, errors.New("the credential cannot be written as JSON")
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// authenticationOf is the credential as rattler's enum Authentication; see variants.
func authenticationOf(c regpass.Credential) (any, error) {
	secret := c.Secret.Reveal()
	if err := envsync.CheckPrintable(secret); err != nil {
		return nil, fmt.Errorf("the secret %w", err)
	}
	switch c.Kind {
	case regpass.Bearer:
		if strings.Contains(secret, " ") {
			return nil, errors.New("the token holds a space")
		}
		return struct{ BearerToken string }{secret}, nil
	case regpass.Basic:
		if err := envsync.CheckUserName(c.Username); err != nil {
			return nil, fmt.Errorf("the user name %w", err)
		}
		return struct{ BasicHTTP any }{struct {
			Username string `json:"username"`
			Password string `json:"password"`
		}{c.Username, secret}}, nil
	case regpass.CondaToken:
		// The token becomes a part of the path, /t/TOKEN/channel.
		if strings.ContainsAny(secret, ` /\?#%`) || strings.Trim(secret, ".") == "" {
			return nil, errors.New("the token holds a character that a URL's path cannot hold")
		}
		return struct{ CondaToken string }{secret}, nil
	case regpass.S3:
		return s3Credentials(c)
	}
	return nil, fmt.Errorf("rattler has no %s credentials", c.Kind)
}

func s3Credentials(c regpass.Credential) (any, error) {
	if err := envsync.CheckPrintable(c.Username); err != nil {
		return nil, fmt.Errorf("the access key id %w", err)
	}
	token := c.SessionToken.Reveal()
	if err := envsync.CheckPrintable(token); token != "" && err != nil {
		return nil, fmt.Errorf("the session token %w", err)
	}
	return struct{ S3Credentials any }{struct {
		ID    string `json:"access_key_id"`
		Key   string `json:"secret_access_key"`
		Token string `json:"session_token,omitempty"`
	}{c.Username, c.Secret.Reveal(), token}}, nil
}
