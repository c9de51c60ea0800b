package sts

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/regpass/regpass"
)

// refreshTokens holds a token family per login: a sequence of refresh tokens of which only the newest is valid. A token
// carries the id of its family and its sequence number under a MAC, so a reused one is recognised although none is kept
// (RFC 9700 section 4.14.2).
type refreshTokens struct {
	mac   [32]byte
	share int // logins that a key may have

	mu   sync.Mutex // a rotation reads and writes
	rows *expiring[string, family]
	ids  map[string][]string // families of each key, by its name, the oldest first
}

// family is the token family of one login.
type family struct {
	key      *apiKey
	sequence uint64 // of the only valid refresh token
	ends     time.Time
}

var (
	errNotRefresh  = errors.New("not a refresh token of this service")
	errNoFamily    = errors.New("the login has ended")
	errUsedRefresh = errors.New("used twice; its login is revoked")
)

const refreshPrefix = "rt-regpass-"

// newRefreshTokens makes an empty table for the logins of a number of keys.
func newRefreshTokens(keys int) *refreshTokens {
	f := &refreshTokens{share: share(maxFamilies, leastFamily, keys), ids: map[string][]string{}}
	f.rows = newExpiring[string, family](f.share * keys)
	_, _ = rand.Read(f.mac[:]) // never fails
	return f
}

// start begins a family and returns its id and first refresh token. If the key has as many logins as it may, its oldest
// ends.
func (f *refreshTokens) start(key *apiKey, now time.Time) (id string, token regpass.Secret, ended bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if all := f.ids[key.Name]; len(all) >= f.share {
		f.end(all[0], key)
		ended = true
	}
	id = rand.Text()
	ends := now.Add(sessionTTL)
	f.rows.set(id, family{key, 0, ends}, ends, now)
	f.ids[key.Name] = append(f.ids[key.Name], id)
	return id, f.token(id, 0), ended
}

// end forgets a family. The caller holds the lock.
func (f *refreshTokens) end(id string, key *apiKey) {
	f.rows.drop(id)
	f.ids[key.Name] = slices.DeleteFunc(f.ids[key.Name], func(other string) bool { return other == id })
}

// rotate consumes a refresh token and returns the next. A reused one ends its family (errUsedRefresh, with the id and
// the key).
func (f *refreshTokens) rotate(token regpass.Secret, now time.Time) (
	id string, key *apiKey, next regpass.Secret, err error,
) {
	id, sequence, err := f.read(token)
	if err != nil {
		return "", nil, regpass.Secret{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	row, ok := f.rows.get(id, now)
	switch {
	case !ok || row.key.expired(now):
		return id, nil, regpass.Secret{}, errNoFamily
	case sequence != row.sequence:
		f.end(id, row.key)
		return id, row.key, regpass.Secret{}, errUsedRefresh
	}
	row.sequence++
	f.rows.set(id, row, row.ends, now)
	return id, row.key, f.token(id, row.sequence), nil
}

// drop ends a family.
func (f *refreshTokens) drop(id string, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if row, ok := f.rows.get(id, now); ok {
		f.end(id, row.key)
	}
}

// token is refreshPrefix and base64url(id, sequence, MAC); the sequence has 8 bytes and the MAC 32.
func (f *refreshTokens) token(id string, sequence uint64) regpass.Secret {
	body := binary.BigEndian.AppendUint64([]byte(id), sequence)
	return regpass.NewSecret(refreshPrefix + base64.RawURLEncoding.EncodeToString(append(body, f.sum(body)...)))
}

func (f *refreshTokens) read(token regpass.Secret) (id string, sequence uint64, err error) {
	text, ok := strings.CutPrefix(token.Reveal(), refreshPrefix)
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	body := len(raw) - sha256.Size
	if !ok || err != nil || body <= 8 || !hmac.Equal(raw[body:], f.sum(raw[:body])) {
		return "", 0, errNotRefresh
	}
	return string(raw[:body-8]), binary.BigEndian.Uint64(raw[body-8:]), nil
}

func (f *refreshTokens) sum(body []byte) []byte {
	h := hmac.New(sha256.New, f.mac[:])
	h.Write(body)
	return h.Sum(nil)
}
