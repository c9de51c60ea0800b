package sts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/golang-jwt/jwt/v5"

	"github.com/regpass/regpass"
)

// leeway is the tolerated error of an issuer's clock.
const leeway = time.Minute

// algorithms are the signature algorithms accepted from issuers: asymmetric ones, so neither none nor HS256.
var algorithms = []string{oidc.RS256, oidc.ES256, oidc.ES384, oidc.PS256, oidc.EdDSA}

// Limits on requests to an issuer.
const (
	issuerTimeout   = 10 * time.Second
	issuerPause     = 10 * time.Second // between two requests: forged tokens must not become traffic at the issuer
	issuerKeysTTL   = time.Hour        // after which withdrawn keys are no longer accepted
	maxIssuerAnswer = 1 << 20          // bytes
)

// identity is a verified ID token.
type identity struct {
	jwt.RegisteredClaims
	all map[string]json.RawMessage
}

// identify verifies an ID token. It never contacts an issuer that no policy names.
func (s *Service) identify(c *call, token regpass.Secret) (*identity, error) {
	said, err := regpass.DecodeJWT(token)
	if err != nil {
		return nil, badIdentity.with("%s", err)
	}
	c.issuer = said.Issuer
	from := s.issuers[said.Issuer]
	if from == nil {
		return nil, badIdentity.with("no trust policy names the issuer %s", regpass.Quote(said.Issuer))
	}
	id, err := from.verify(c.r.Context(), token)
	if errors.Is(err, errIssuerAway) {
		return nil, unavailable.with("the issuer %s does not answer", regpass.Quote(said.Issuer)).because("%s", err)
	}
	if err != nil {
		return nil, badIdentity.with("the token from %s is invalid or has expired", regpass.Quote(said.Issuer)).
			because("identity token: %s", err)
	}
	c.actor = id.Subject
	return id, nil
}

var errIssuerAway = errors.New("the issuer's keys cannot be fetched")

// issuer verifies ID tokens with the keys that their issuer publishes (OpenID Connect Discovery 1.0).
type issuer struct {
	url    string
	client *http.Client
	now    func() time.Time
	check  *jwt.Validator

	mu    sync.Mutex
	keys  *oidc.RemoteKeySet
	since time.Time // when keys was found by discovery
	asked time.Time // when discovery was last tried
}

func newIssuer(url string, env *regpass.Env) *issuer {
	client := *env.HTTP
	client.Timeout = issuerTimeout
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client.Transport = capped{client.Transport, maxIssuerAnswer}
	return &issuer{url: url, client: &client, now: env.Now,
		check: jwt.NewValidator(jwt.WithLeeway(leeway), jwt.WithTimeFunc(env.Now), jwt.WithExpirationRequired(),
			jwt.WithIssuedAt(), jwt.WithIssuer(url))}
}

// verify checks signature, issuer and times. The policy checks the audience.
func (i *issuer) verify(ctx context.Context, token regpass.Secret) (*identity, error) {
	keys, err := i.keySet(ctx)
	if err != nil {
		return nil, err
	}
	seen := &causeKeySet{KeySet: keys}
	verified, err := oidc.NewVerifier(i.url, seen, &oidc.Config{
		SupportedSigningAlgs: algorithms, SkipClientIDCheck: true, SkipExpiryCheck: true, // see above and below
	}).Verify(ctx, token.Reveal())
	if errors.Is(seen.cause, errIssuerAway) {
		return nil, seen.cause
	}
	if err != nil {
		return nil, err
	}
	id := &identity{}
	if err := errors.Join(verified.Claims(&id.RegisteredClaims), verified.Claims(&id.all)); err != nil {
		return nil, errors.New("a registered claim does not have the type that RFC 7519 gives it")
	}
	return id, i.check.Validate(id.RegisteredClaims)
}

// keySet runs discovery on first use and then every issuerKeysTTL. If a later discovery fails, the known keys stay.
func (i *issuer) keySet(ctx context.Context) (oidc.KeySet, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.now()
	if i.keys != nil && now.Before(i.since.Add(issuerKeysTTL)) {
		return i.keys, nil
	}
	if now.Before(i.asked.Add(issuerPause)) {
		if i.keys != nil {
			return i.keys, nil
		}
		return nil, fmt.Errorf("%w: it failed less than %s ago", errIssuerAway, issuerPause)
	}
	i.asked = now
	// If this client hangs up, the next one still needs the result.
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), issuerTimeout)
	defer cancel()
	where, err := i.discover(limit)
	if err != nil {
		if i.keys != nil {
			return i.keys, nil
		}
		return nil, err
	}
	client := *i.client
	client.Transport = &throttle{next: i.client.Transport, now: i.now}
	i.keys, i.since = oidc.NewRemoteKeySet(oidc.ClientContext(context.WithoutCancel(ctx), &client), where), now
	return i.keys, nil
}

// discover reads jwks_uri, which must be a safe endpoint, and may be on this machine only if the issuer is.
func (i *issuer) discover(ctx context.Context) (string, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, i.client), i.url)
	if err != nil {
		return "", fmt.Errorf("%w: %s", errIssuerAway, regpass.Quote(err.Error()))
	}
	var doc struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&doc); err != nil {
		return "", fmt.Errorf("%w: its discovery document is broken", errIssuerAway)
	}
	base, _ := url.Parse(i.url) // the configuration was checked
	u, err := url.Parse(doc.Keys)
	if err != nil || regpass.CheckEndpoint(u) != nil ||
		regpass.Loopback(u.Hostname()) && !regpass.Loopback(base.Hostname()) {
		return "", fmt.Errorf("%w: jwks_uri %s is not an allowed URL", errIssuerAway, regpass.Quote(doc.Keys))
	}
	return u.String(), nil
}

// causeKeySet keeps the error of a key set, which the verifier turns into text.
type causeKeySet struct {
	oidc.KeySet
	cause error
}

func (s *causeKeySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := s.KeySet.VerifySignature(ctx, token)
	s.cause = err
	return payload, err
}
