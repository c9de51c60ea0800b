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

// Sizes of the tables and lifetimes of their entries. A full table of used or revoked tokens refuses requests; it never
// forgets an entry early.
const (
	maxRevoked  = 100_000
	maxUsed     = 100_000
	maxLogins   = 1_000
	maxFamilies = 10_000
	maxVerified = 10_000
	maxPages    = 64
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

	verified *expiring[[32]byte, *claims]     // our tokens by SHA-256: a cache
	revoked  *expiring[string, struct{}]      // jti or sid of revoked tokens
	used     *expiring[[32]byte, struct{}]    // ID tokens that were exchanged
	logins   *expiring[string, *apiKey]       // approved but not fetched yet, by UUID
	pages    *expiring[string, []packageFile] // upstreams' listings: a cache
}

// New checks cfg, opens its folders and reads or makes the signing key. It makes no request. Close the Service when
// done.
func New(_ context.Context, cfg Config, o Options) (*Service, error) {
	cfg = cfg.complete()
	if err := cfg.check(); err != nil {
		return nil, regpass.Usagef("sts: config: %w", err)
	}
	if o.Env == nil {
		return nil, errors.New("sts: Options.Env is missing")
	}
	if cfg.TLSCert != "" {
		if _, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey); err != nil {
			return nil, fmt.Errorf("sts: tls_cert and tls_key: %w", err)
		}
	}
	if o.Audit == nil {
		o.Audit = io.Discard
	}
	s := &Service{
		cfg: cfg, env: o.Env, audit: slog.NewJSONHandler(o.Audit, nil),
		issuers: map[string]*issuer{}, indexes: map[indexID]*index{}, routes: compile(routes),
		refreshTokens: newRefreshTokens(),
		verified:      newCache[[32]byte, *claims](maxVerified), revoked: newExpiring[string, struct{}](maxRevoked),
		used: newExpiring[[32]byte, struct{}](maxUsed), logins: newExpiring[string, *apiKey](maxLogins),
		pages: newCache[string, []packageFile](maxPages),
	}
	var err error
	if s.signer, err = newSigner(cfg.SigningKey, cfg.PublicURL, o.Env.Now); err != nil {
		return nil, err
	}
	for _, k := range cfg.APIKeys {
		sum, _ := hex.DecodeString(k.SHA256) // checked above
		s.apiKeys = append(s.apiKeys, apiKey{k, sum})
	}
	for _, t := range cfg.Trust {
		s.policies = append(s.policies, newPolicy(t))
		if s.issuers[t.Issuer] == nil {
			s.issuers[t.Issuer] = newIssuer(t.Issuer, o.Env)
		}
	}
	for _, x := range cfg.Indexes {
		opened, err := s.openIndex(x)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("sts: index %s/%s: %w", x.Workspace, x.Name, err), s.Close())
		}
		s.indexes[x.id()] = opened
	}
	return s, nil
}

// Close closes the folders. Call it after the last request.
func (s *Service) Close() error {
	var all []error
	for _, x := range s.indexes {
		if x.folder != nil {
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
