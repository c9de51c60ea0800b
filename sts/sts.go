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

// Options are what a Service needs besides its configuration.
type Options struct {
	// Env gives the clock, the HTTP client for issuers and upstreams, and the variables that the configuration names.
	Env *regpass.Env
	// Audit takes one line of JSON per decision; nil: none are kept.
	Audit io.Writer
}

// How much is remembered. Tables that hold what was used up or revoked refuse to grow further rather than forget.
const (
	maxRevoked  = 100_000
	maxUsed     = 100_000
	maxLogins   = 1_000
	maxFamilies = 10_000
	maxVerified = 10_000
	maxPages    = 64
	retryAfter  = 10 * time.Second // what clients are told with a 503
	loginTTL    = 5 * time.Minute  // an approved login is fetched by then; uv polls for one minute
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

	verified *expiring[[32]byte, *claims]     // tokens made here, by SHA-256: a cache
	revoked  *expiring[string, struct{}]      // jti and sid of tokens that are good no more
	used     *expiring[[32]byte, struct{}]    // ID tokens that were traded
	logins   *expiring[string, *apiKey]       // approved and not yet fetched, by UUID
	pages    *expiring[string, []packageFile] // what upstreams list: a cache
}

// New checks cfg, opens its folders and reads or makes the signing key. It contacts nobody. Close the Service when done.
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
		issuers: map[string]*issuer{}, indexes: map[indexID]*index{}, routes: compile(routes), refreshTokens: newRefreshTokens(),
		verified: newCache[[32]byte, *claims](maxVerified), revoked: newExpiring[string, struct{}](maxRevoked),
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

// Close lets go of the folders. Call it once no request is being served.
func (s *Service) Close() error {
	var all []error
	for _, x := range s.indexes {
		if x.folder != nil {
			all = append(all, x.folder.root.Close())
		}
	}
	return errors.Join(all...)
}

// Handler answers all requests. It works at the root of a host only, as uv expects.
func (s *Service) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// mint makes a token and records in the audit who got it.
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
