package sts

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/regpass/regpass"
)

// Options hold a Service's dependencies.
type Options struct {
	// Env has the clock, the HTTP client for issuers and upstreams, and the variables that the configuration names.
	Env *regpass.Env
	// Audit receives one line of JSON per decision. nil: no audit.
	Audit io.Writer
}

// Sizes of the caches and lifetimes. The tables that must not forget are in shares.go.
const (
	maxVerified = 10_000
	maxPages    = 64 << 20         // bytes of upstreams' pages
	leastPage   = 4 << 10          // bytes that a page counts for at least
	retryAfter  = 10 * time.Second // Retry-After of a 503
	loginTTL    = 5 * time.Minute  // of an approved login until it is fetched; uv polls for one minute
	sessionTTL  = 30 * 24 * time.Hour
)

// Service is a running token service.
type Service struct {
	cfg           Config
	env           *regpass.Env
	audit         slog.Handler
	signer        *signer
	apiKeys       []apiKey
	policies      []policy
	issuers       map[string]*issuer
	indexes       map[indexID]*index
	routes        []compiled
	refreshTokens *refreshTokens

	verified *expiring[[32]byte, *claims] // our tokens by SHA-256: a cache
	revoked  map[string]*revocations      // by subject of the tokens
	used     *expiring[[32]byte, string]  // ID tokens that were exchanged, with the subject of the new token
	logins   *expiring[string, *apiKey]   // approved but not fetched yet, by UUID
	pages    *expiring[string, listing]   // upstreams' listings: a cache

	fetching map[string]chan struct{} // an entry for each page that is read from an upstream, by subject of the token
	sending  map[string]chan struct{} // the same for each long page that is sent to a client
	writing  sync.Mutex               // held while a long page is written
	uploads  *slots                   // by subject of the token
	stop     context.CancelFunc       // ends what runs beside requests
}

// New checks cfg, opens its folders and reads or makes the signing key. It makes no request. Close the Service when
// done.
func New(ctx context.Context, cfg Config, o Options) (*Service, error) {
	cfg = cfg.complete()
	if err := cfg.check(); err != nil {
		return nil, regpass.Usagef("serve: %w", err)
	}
	if err := cfg.checkListen(); err != nil {
		return nil, regpass.Usagef("serve: %w", err)
	}
	if o.Env == nil {
		return nil, errors.New("sts: Options.Env is missing")
	}
	if cfg.TLSCert != "" {
		if _, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey); err != nil {
			return nil, fmt.Errorf("serve: tls_cert and tls_key: %w", err)
		}
	}
	if o.Audit == nil {
		o.Audit = io.Discard
	}
	s := &Service{
		cfg: cfg, env: o.Env, audit: slog.NewJSONHandler(o.Audit, nil),
		issuers: map[string]*issuer{}, indexes: map[indexID]*index{}, routes: compile(routes),
		verified: newCache[[32]byte, *claims](maxVerified), pages: newCache[string, listing](maxPages),
		fetching: map[string]chan struct{}{}, sending: map[string]chan struct{}{}, uploads: newSlots(maxUploads),
		revoked:       map[string]*revocations{},
		refreshTokens: newRefreshTokens(len(cfg.APIKeys)),
	}
	s.pages.size = func(l listing) int { return max(l.size, leastPage) }
	var err error
	if s.signer, err = newSigner(cfg.SigningKey, cfg.PublicURL, o.Env.Now); err != nil {
		return nil, err
	}
	ending, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	tokens := share(maxTokens, leastTokens, len(cfg.APIKeys)+len(cfg.Trust))
	s.used = newShared[[32]byte](tokens, len(cfg.Trust), func(subject string) string { return subject })
	s.logins = newShared[string](share(maxLogins, leastLogins, len(cfg.APIKeys)), len(cfg.APIKeys),
		func(k *apiKey) string { return k.Name })
	for _, k := range cfg.APIKeys {
		sum, _ := hex.DecodeString(k.SHA256) // checked above
		s.apiKeys = append(s.apiKeys, apiKey{k, sum})
		s.revoked[k.subject()] = newRevocations(tokens)
	}
	for _, t := range cfg.Trust {
		s.policies = append(s.policies, newPolicy(t))
		s.revoked[t.subject()] = newRevocations(2 * tokens) // the live ones, and those that ended since the last sweep
		if s.issuers[t.Issuer] == nil {
			s.issuers[t.Issuer] = newIssuer(t.Issuer, o.Env, ending)
		}
	}
	for subject := range s.revoked {
		s.fetching[subject], s.sending[subject] = make(chan struct{}, maxFetching), make(chan struct{}, maxSending)
	}
	for _, x := range cfg.Indexes {
		opened, err := s.openIndex(x)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("serve: index %s/%s: %w", x.Workspace, x.Name, err), s.Close())
		}
		s.indexes[x.id()] = opened
	}
	return s, nil
}

// Close ends requests to issuers and closes the folders. Call it after the last request.
func (s *Service) Close() error {
	s.stop()
	for _, i := range s.issuers {
		i.done.Wait()
	}
	var all []error
	folders := map[*folder]bool{nil: true}
	for _, x := range s.indexes {
		if !folders[x.folder] {
			folders[x.folder] = true
			all = append(all, x.folder.root.Close())
		}
	}
	return errors.Join(all...)
}

// Handler answers all requests. It must be mounted at the root of a host, as uv expects.
func (s *Service) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// mint issues a token and notes its subject in the audit.
func (s *Service) mint(c *call, p tokenRequest) (regpass.Secret, *claims, error) {
	if p.lifetime == 0 {
		p.lifetime = s.cfg.TokenLifetime
	}
	if s.revoked[p.subject].covers(c.now) {
		return regpass.Secret{}, nil, unavailable.with("all tokens of this key were revoked this second; ask again")
	}
	token, made, err := s.signer.sign(p, c.now)
	if err != nil {
		return regpass.Secret{}, nil, err
	}
	c.subject, c.permissions, c.jti = made.Subject, made.Permissions, made.ID
	if len(made.Workspaces) == 1 {
		c.workspace = made.Workspaces[0]
	}
	return token, made, nil
}
