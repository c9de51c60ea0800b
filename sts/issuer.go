package sts

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/regpass/regpass"
)

// Limits on requests to an issuer.
const (
	issuerTimeout   = 10 * time.Second // of discovery and keys together
	issuerPause     = 10 * time.Second // from an answer to the next request: forged tokens must not become traffic there
	issuerKeysTTL   = time.Hour        // after which the keys are read again, in case one was withdrawn
	issuerKeysMax   = 24 * time.Hour   // after which keys are not used, even if the issuer does not answer
	maxIssuerAnswer = 1 << 20          // bytes
	maxIssuerKeys   = 100
	maxRSA          = 8192 // bits, as crypto/tls has it: a check with a key that fills the answer takes ten seconds
)

var errIssuerAway = errors.New("the issuer's keys cannot be fetched")

// issuer verifies ID tokens with the keys that their issuer publishes (OpenID Connect Discovery 1.0).
type issuer struct {
	url    string
	client *http.Client
	now    func() time.Time
	check  *jwt.Validator
	ending context.Context // of the service

	mu    sync.Mutex
	keys  []jose.JSONWebKey // as of read; nil: never read
	read  time.Time
	asked time.Time      // when the last attempt to read them ended
	bad   error          // of that attempt
	busy  chan struct{}  // closed when the attempt that runs ends; nil: none runs
	done  sync.WaitGroup // the attempt that runs
}

func newIssuer(url string, env *regpass.Env, ending context.Context) *issuer {
	client := *env.HTTP
	client.Timeout = issuerTimeout
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &issuer{url: url, client: &client, now: env.Now, ending: ending,
		check: jwt.NewValidator(jwt.WithLeeway(leeway), jwt.WithTimeFunc(env.Now), jwt.WithExpirationRequired(),
			jwt.WithIssuedAt(), jwt.WithIssuer(url))}
}

// current returns the issuer's keys. A request waits for the issuer only if no keys are known, or none of the last day:
// old ones are used on, and read again beside it.
func (i *issuer) current(ctx context.Context) ([]jose.JSONWebKey, error) {
	i.mu.Lock()
	keys, age := i.keys, i.now().Sub(i.read)
	i.mu.Unlock()
	if keys == nil || age >= issuerKeysMax {
		return i.newer(ctx)
	}
	if age >= issuerKeysTTL {
		i.ask()
	}
	return keys, nil
}

// newer asks the issuer, unless that was done a moment ago, waits for its answer and returns the keys known then.
func (i *issuer) newer(ctx context.Context) ([]jose.JSONWebKey, error) {
	if answered := i.ask(); answered != nil {
		select {
		case <-answered:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", errIssuerAway, ctx.Err())
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.bad == nil && i.keys == nil { // the service ends
		return nil, errIssuerAway
	}
	return i.keys, i.bad
}

// ask begins to read the keys, once for all who ask at the same time, and returns a channel that is closed at the end.
// It returns nil if the last attempt ended a moment ago.
func (i *issuer) ask() <-chan struct{} {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.busy != nil {
		return i.busy
	}
	if i.now().Before(i.asked.Add(issuerPause)) || i.ending.Err() != nil {
		return nil
	}
	answered := make(chan struct{})
	i.busy = answered
	i.done.Go(func() {
		// If the client that caused this hangs up, the next one still needs the result.
		ctx, cancel := context.WithTimeout(i.ending, issuerTimeout)
		defer cancel()
		keys, err := i.fetch(ctx)
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.asked, i.bad = i.now(), err; err == nil {
			i.keys, i.read = keys, i.asked
		}
		i.busy = nil
		close(answered)
	})
	return answered
}

// fetch reads the discovery document and the keys that it leads to.
func (i *issuer) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	var doc struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := i.get(ctx, strings.TrimSuffix(i.url, "/")+"/.well-known/openid-configuration", &doc); err != nil {
		return nil, fmt.Errorf("%w: its discovery document: %w", errIssuerAway, err)
	}
	if doc.Issuer != i.url { // OpenID Connect Discovery 1.0 section 4.3
		return nil, fmt.Errorf("%w: its discovery document is that of %s", errIssuerAway, regpass.Quote(doc.Issuer))
	}
	base, _ := url.Parse(i.url) // the configuration was checked
	u, err := url.Parse(doc.Keys)
	if err != nil || regpass.CheckEndpoint(u) != nil ||
		regpass.Loopback(u.Hostname()) && !regpass.Loopback(base.Hostname()) {
		return nil, fmt.Errorf("%w: jwks_uri %s is not an allowed URL", errIssuerAway, regpass.Quote(doc.Keys))
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := i.get(ctx, u.String(), &set); err != nil {
		return nil, fmt.Errorf("%w: %w", errIssuerAway, err)
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var k jose.JSONWebKey
		// A key of a kind that is not known here belongs to others (RFC 7517 section 5).
		if json.Unmarshal(raw, &k) == nil && verifies(&k) && len(keys) < maxIssuerKeys {
			keys = append(keys, k)
		}
	}
	if keys == nil {
		return nil, fmt.Errorf("%w: it publishes none that can verify", errIssuerAway)
	}
	return keys, nil
}

// verifies reports whether a key is one for signatures, and no longer than a check should take.
func verifies(k *jose.JSONWebKey) bool {
	if !k.Valid() || !k.IsPublic() || k.Use == "enc" {
		return false
	}
	long, isRSA := k.Key.(*rsa.PublicKey)
	return !isRSA || long.N.BitLen() <= maxRSA
}

// get reads a JSON document. It follows no redirect.
func (i *issuer) get(ctx context.Context, from string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return errors.New("not a URL")
	}
	req.Header.Set("User-Agent", "regpass")
	req.Header.Set("Accept", "application/json")
	res, err := i.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	text, err := regpass.ReadAll(res.Body, maxIssuerAnswer)
	if err != nil {
		return err
	}
	if json.Unmarshal(text, into) != nil {
		return errors.New("the answer is not the expected JSON")
	}
	return nil
}
