package secret_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/secret"
)

const index = "https://pkgs.example"

// minting is a store of one registry whose nth credential is token-n and lives for life. It is fresh by the rule of
// regpass.Credential.Fresh for min.
func minting(t *testing.T, m *minter, life, min time.Duration) *secret.Store {
	t.Helper()
	src := m.pyx(index)
	m.answers[src.Ref.String()] = func(n int64) (regpass.Credential, error) {
		return regpass.Credential{Host: "pkgs.example", Kind: regpass.Bearer, Username: "__token__",
			Secret: regpass.NewSecret(fmt.Sprintf("token-%d", n)), Expires: time.Now().Add(life)}, nil
	}
	m.fresh = func(c regpass.Credential) bool {
		return c.Fresh(time.Now(), c.Expires.Add(-life), regpass.Least{Time: min})
	}
	env := &regpass.Env{Now: time.Now, Getenv: func(string) string { return "" }}
	s, err := secret.NewStore(env, m, []secret.Source{src}, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// askAtOnce has a hundred steps ask, half of them for a variable and half for a file.
func askAtOnce(ctx context.Context, s *secret.Store) (failed int64) {
	var all sync.WaitGroup
	var errs atomic.Int64
	for i := range 100 {
		all.Go(func() {
			if _, err := s.GetSecret(ctx, []string{"pyx_auth_token", "netrc"}[i%2]); err != nil {
				errs.Add(1)
			}
		})
	}
	all.Wait()
	return errs.Load()
}

func TestOneExchangeForManyAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMinter(t)
		m.takes = 20 * time.Second
		s := minting(t, m, time.Hour, 0)
		if failed := askAtOnce(t.Context(), s); failed > 0 || m.made.Load() != 1 {
			t.Errorf("%d failed, %d exchanges", failed, m.made.Load())
		}
		if n := len(s.Minted()); n != 100 {
			t.Errorf("%d deliveries", n)
		}
	})
}

func TestOneFailureForManyAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMinter(t)
		m.takes = 20 * time.Second
		s := minting(t, m, time.Hour, 0)
		works := m.answers[index+"/"]
		m.failing(index, &regpass.HTTPError{Status: 500})
		if failed := askAtOnce(t.Context(), s); failed != 100 || m.made.Load() != 1 || len(m.failures()) != 1 {
			t.Errorf("%d failed, %d exchanges, told %d times", failed, m.made.Load(), len(m.failures()))
		}
		if n := len(s.Minted()); n != 0 {
			t.Errorf("%d deliveries", n)
		}
		// It is not held against the next step.
		m.answers[index+"/"] = works
		if got, err := s.GetSecret(t.Context(), "pyx_auth_token"); err != nil || string(got) != "token-2" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// TestAskerCalledOff holds that a step that ends while its exchange is under way takes nobody with it.
func TestAskerCalledOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMinter(t)
		m.takes = 20 * time.Second
		s := minting(t, m, time.Hour, 0)
		first, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := s.GetSecret(first, "pyx_auth_token"); !errors.Is(err, context.Canceled) {
				t.Errorf("the one called off: %v", err)
			}
		})
		synctest.Wait()
		all.Go(func() {
			if failed := askAtOnce(t.Context(), s); failed > 0 {
				t.Errorf("%d failed", failed)
			}
		})
		waiting, stop := context.WithCancel(t.Context())
		all.Go(func() {
			if _, err := s.GetSecret(waiting, "netrc"); !errors.Is(err, context.Canceled) {
				t.Errorf("the one that waited and was called off: %v", err)
			}
		})
		synctest.Wait()
		stop()
		synctest.Wait()
		cancel()
		all.Wait()
		if n := m.made.Load(); n != 2 {
			t.Errorf("%d exchanges", n)
		}
		if all := m.failures(); len(all) > 0 {
			t.Errorf("told of %v", all)
		}
	})
}

func TestRefresh(t *testing.T) {
	for _, c := range []struct {
		name string
		life time.Duration
		min  time.Duration
		wait time.Duration
		want string
	}{
		{"a fifth is left", time.Hour, 5 * time.Minute, 47 * time.Minute, "token-1"},
		{"less than a fifth is left", time.Hour, 5 * time.Minute, 48 * time.Minute, "token-2"},
		{"short life", 10 * time.Second, 5 * time.Minute, 7 * time.Second, "token-1"},
		{"short life, a fifth", 10 * time.Second, 5 * time.Minute, 8 * time.Second, "token-2"},
		{"the least that must be left", 2 * time.Hour, 28 * time.Minute, 91 * time.Minute, "token-1"},
		{"less than that", 2 * time.Hour, 28 * time.Minute, 92 * time.Minute, "token-2"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := minting(t, newMinter(t), c.life, c.min)
			if got, err := s.GetSecret(t.Context(), "pyx_auth_token"); err != nil || string(got) != "token-1" {
				t.Fatalf("%q, %v", got, err)
			}
			<-time.After(c.wait)
			for range 2 {
				if got, err := s.GetSecret(t.Context(), "pyx_auth_token"); err != nil || string(got) != c.want {
					t.Errorf("%s: %q, %v; want %s", c.name, got, err, c.want)
				}
			}
		})
	}
}

// TestFreshnessOfTheSession holds that a credential of an earlier step is judged by its own birth, not by ours.
func TestFreshnessOfTheSession(t *testing.T) {
	now := time.Unix(1e9, 0)
	fresh, m := true, newMinter(t)
	src := m.source(index, regpass.Credential{Host: "pkgs.example", Kind: regpass.Bearer, Username: "__token__",
		Secret: regpass.NewSecret("t"), Expires: now.Add(time.Hour)})
	src.ClientVar = "PYX_AUTH_TOKEN"
	m.fresh = func(regpass.Credential) bool { return fresh }
	s, err := secret.NewStore(environment(&now, nil), m, []secret.Source{src}, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, fresh = range []bool{true, true, false} {
		if _, err := s.GetSecret(t.Context(), "pyx_auth_token"); err != nil {
			t.Fatal(err)
		}
	}
	if n := m.made.Load(); n != 2 {
		t.Errorf("%d exchanges", n)
	}
}
