package secret_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/secret"
)

// minter is a secret.Minter that answers for each reference as the test says.
type minter struct {
	t       *testing.T
	answers map[string]answer // by reference
	takes   time.Duration     // of each exchange
	fresh   func(regpass.Credential) bool
	made    atomic.Int64 // exchanges so far

	mu     sync.Mutex // guards failed
	failed []error
}

// answer makes the nth credential for a reference, counted from one.
type answer func(n int64) (regpass.Credential, error)

// newMinter returns a minter whose credentials are fresh for good.
func newMinter(t *testing.T) *minter {
	return &minter{t: t, answers: map[string]answer{}, fresh: func(regpass.Credential) bool { return true }}
}

func (m *minter) Credential(ctx context.Context, ref regpass.Ref) (regpass.Credential, error) {
	n := m.made.Add(1)
	select {
	case <-time.After(m.takes):
	case <-ctx.Done():
		return regpass.Credential{}, ctx.Err()
	}
	answer, ok := m.answers[ref.String()]
	if !ok {
		m.t.Errorf("%s was asked for", ref)
		return regpass.Credential{}, regpass.NoIdentityf("no answer for %s", ref)
	}
	return answer(n)
}

func (m *minter) Fresh(c regpass.Credential) bool { return m.fresh(c) }

func (m *minter) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failed = append(m.failed, err)
}

// failures lists the errors so far.
func (m *minter) failures() []error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failed
}

// add adds a registry that is answered in this way.
func (m *minter) add(ref string, a answer) secret.Source {
	m.t.Helper()
	r, err := regpass.ParseRef(ref)
	if err != nil {
		m.t.Fatal(err)
	}
	m.answers[r.String()] = a
	return secret.Source{Ref: r}
}

// source adds a registry whose credential does not change.
func (m *minter) source(ref string, c regpass.Credential) secret.Source {
	m.t.Helper()
	src := m.add(ref, func(int64) (regpass.Credential, error) { return c, nil })
	src.Registry = c.Registry
	if c.Host == "" {
		c.Host = src.Ref.Host
	}
	return src
}

// pyx adds a registry of the type pyx.
func (m *minter) pyx(ref string) secret.Source {
	m.t.Helper()
	src := m.source(ref, regpass.Credential{Registry: "pyx", Kind: regpass.Bearer, Username: "__token__",
		Secret: regpass.NewSecret("eyJ-token")})
	src.ClientVar = "PYX_AUTH_TOKEN"
	return src
}

// failing adds a registry that has no credential.
func (m *minter) failing(ref string, err error) secret.Source {
	m.t.Helper()
	return m.add(ref, func(int64) (regpass.Credential, error) { return regpass.Credential{}, err })
}
