package secret_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/secret"
)

// minter counts the credentials that it makes, which live for life.
type minter struct {
	life  time.Duration
	takes time.Duration // how long one exchange takes
	fail  atomic.Bool
	made  atomic.Int64
}

func (m *minter) mint(ctx context.Context) (regpass.Credential, error) {
	n := m.made.Add(1)
	select {
	case <-time.After(m.takes):
	case <-ctx.Done():
		return regpass.Credential{}, ctx.Err()
	}
	if m.fail.Load() {
		return regpass.Credential{}, &regpass.HTTPError{Status: 500}
	}
	return regpass.Credential{Host: "pkgs.example", Kind: regpass.Bearer, Username: "__token__", Secret: regpass.NewSecret("token-" + string('0'+rune(n))), Expires: time.Now().Add(m.life)}, nil
}

func minting(t *testing.T, m *minter, o secret.Options) *secret.Store {
	t.Helper()
	src := pyxSource(t, "https://pkgs.example")
	src.Mint = m.mint
	env := &regpass.Env{Now: time.Now, Getenv: func(string) string { return "" }}
	s, err := secret.NewStore(env, []secret.Source{src}, nil, o)
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
		m := &minter{life: time.Hour, takes: 20 * time.Second}
		s := minting(t, m, secret.Options{})
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
		m := &minter{life: time.Hour, takes: 20 * time.Second}
		m.fail.Store(true)
		var told atomic.Int64
		s := minting(t, m, secret.Options{Failed: func(error) { told.Add(1) }})
		if failed := askAtOnce(t.Context(), s); failed != 100 || m.made.Load() != 1 || told.Load() != 1 {
			t.Errorf("%d failed, %d exchanges, told %d times", failed, m.made.Load(), told.Load())
		}
		if n := len(s.Minted()); n != 0 {
			t.Errorf("%d deliveries", n)
		}
		// It is not held against the next step.
		m.fail.Store(false)
		if got, err := s.GetSecret(t.Context(), "pyx_auth_token"); err != nil || string(got) != "token-2" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// TestAskerCalledOff holds that a step that ends while its exchange is under way takes nobody with it.
func TestAskerCalledOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &minter{life: time.Hour, takes: 20 * time.Second}
		s := minting(t, m, secret.Options{Failed: func(err error) { t.Errorf("told of %v", err) }})
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
			m := &minter{life: c.life}
			s := minting(t, m, secret.Options{MinLifetime: c.min})
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
	made, fresh := 0, true
	src := pyxSource(t, "https://pkgs.example")
	src.Mint = func(context.Context) (regpass.Credential, error) {
		made++
		return regpass.Credential{Host: "pkgs.example", Kind: regpass.Bearer, Username: "__token__", Secret: regpass.NewSecret("t"), Expires: now.Add(time.Hour)}, nil
	}
	src.Fresh = func(regpass.Credential) bool { return fresh }
	s, err := secret.NewStore(environment(&now, nil), []secret.Source{src}, nil, secret.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, fresh = range []bool{true, true, false} {
		if _, err := s.GetSecret(t.Context(), "pyx_auth_token"); err != nil {
			t.Fatal(err)
		}
	}
	if made != 2 {
		t.Errorf("%d exchanges", made)
	}
}
