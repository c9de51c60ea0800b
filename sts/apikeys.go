package sts

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"time"

	"github.com/regpass/regpass"
)

// keyPrefix begins every API key, so that secret scanners recognise one.
const keyPrefix = "sk-regpass-"

// NewKey makes an API key of 32 random bytes and returns it with its SHA-256 in hex, for the configuration. A plain
// hash is enough because a random key cannot be guessed.
func NewKey() (regpass.Secret, string) {
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails
	key := keyPrefix + base64.RawURLEncoding.EncodeToString(random[:])
	sum := sha256.Sum256([]byte(key))
	return regpass.NewSecret(key), hex.EncodeToString(sum[:])
}

// apiKey is an APIKey with its hash decoded.
type apiKey struct {
	APIKey
	sum []byte
}

// findKey returns the configured key that was presented, or nil. It compares with every key, each in constant time.
func (s *Service) findKey(presented regpass.Secret, now time.Time) *apiKey {
	sum := sha256.Sum256([]byte(presented.Reveal()))
	var found *apiKey
	for i := range s.apiKeys {
		if subtle.ConstantTimeCompare(sum[:], s.apiKeys[i].sum) == 1 {
			found = &s.apiKeys[i]
		}
	}
	if found == nil || found.expired(now) {
		return nil
	}
	return found
}

func (k *apiKey) expired(now time.Time) bool { return !k.Expires.IsZero() && !now.Before(k.Expires) }

// subject is the claim sub of the key's tokens.
func (k APIKey) subject() string { return "key:" + k.Name }

// tokenRequest describes the token that the key grants.
func (k *apiKey) tokenRequest(via string) tokenRequest {
	return tokenRequest{
		subject: k.subject(), workspaces: k.Workspaces, permissions: k.Permissions, via: via, notAfter: k.Expires,
	}
}
