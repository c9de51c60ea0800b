package session

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/testenv"
)

// minted is a credential of ours that lives for an hour from noon.
var (
	noLeast     regpass.Least
	fiveMinutes = regpass.Least{Time: 5 * time.Minute}
)

func minted(key, secret string) Lease {
	return Lease{Key: key, Receiver: "https://h.test", Method: "api-key", From: "KEY", Revocable: true, Minted: noon,
		Cred: regpass.Credential{Registry: "test", Host: "h.test", Kind: regpass.Bearer, Username: "__token__",
			Secret: regpass.NewSecret(secret), Refresh: regpass.NewSecret("refresh-" + secret), Expires: noon.Add(time.Hour)}}
}

func TestMintTradesOnceForMany(t *testing.T) {
	s := begin(t)
	var exchanges atomic.Int32
	var all sync.WaitGroup
	for range 32 {
		mine := reopen(t, s)
		all.Go(func() {
			l, err := mine.Mint(t.Context(), "one", noLeast, func(context.Context, *Lease) (Lease, error) {
				exchanges.Add(1)
				return minted("", "first"), nil
			})
			if err != nil || l.Cred.Secret.Reveal() != "first" || l.Key != "one" {
				t.Errorf("got %+v, %v", l, err)
			}
		})
	}
	all.Wait()
	if n := exchanges.Load(); n != 1 {
		t.Errorf("%d exchanges", n)
	}
}

func TestMintKeysDoNotWaitForEachOther(t *testing.T) {
	s := begin(t)
	_, err := s.Mint(t.Context(), "outer", noLeast, func(ctx context.Context, _ *Lease) (Lease, error) {
		_, err := reopen(t, s).Mint(ctx, "inner", noLeast,
			func(context.Context, *Lease) (Lease, error) { return minted("", "inner"), nil })
		return minted("", "outer"), err
	})
	must(t, err)
	if all, err := s.Leases(); err != nil || len(all) != 2 {
		t.Errorf("got %v, %v", all, err)
	}
}

func TestMintAgain(t *testing.T) {
	for _, tt := range []struct {
		name  string
		jump  time.Duration
		again bool
	}{
		{"at once", 0, false},
		{"with a quarter left", 45 * time.Minute, false},
		{"with a sixth left", 50 * time.Minute, true},
		{"long after", 24 * time.Hour, true},
		{"a clock set back", -24 * time.Hour, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := noon
			s, err := Open(machineAt(t, &now), filepath.Join(t.TempDir(), "s"))
			must(t, err)
			must(t, s.Keep(minted("k", "old")))
			now = now.Add(tt.jump)
			var stale *Lease
			l, err := s.Mint(t.Context(), "k", fiveMinutes, func(_ context.Context, l *Lease) (Lease, error) {
				stale = l
				return minted("", "new"), nil
			})
			must(t, err)
			if again := l.Cred.Secret.Reveal() == "new"; again != tt.again {
				t.Errorf("minted again: %t", again)
			}
			if tt.again && (stale == nil || stale.Cred.Refresh.Reveal() != "refresh-old" || !l.Minted.Equal(now)) {
				t.Errorf("stale %+v, new %+v", stale, l)
			}
		})
	}
}

// A clock that was far ahead when a credential was minted does not make it look fresh beyond its end.
func TestMintWithAClockThatWasAhead(t *testing.T) {
	now := noon.Add(24 * time.Hour)
	s, err := Open(machineAt(t, &now), filepath.Join(t.TempDir(), "s"))
	must(t, err)
	_, err = s.Mint(t.Context(), "k", noLeast,
		func(context.Context, *Lease) (Lease, error) { return minted("", "old"), nil })
	must(t, err)
	now = noon.Add(time.Hour + time.Minute)
	l, err := s.Mint(t.Context(), "k", noLeast,
		func(context.Context, *Lease) (Lease, error) { return minted("", "new"), nil })
	if err != nil || l.Cred.Secret.Reveal() != "new" {
		t.Errorf("got %+v, %v", l, err)
	}
}

func TestMintThatFailsKeepsNothing(t *testing.T) {
	s := begin(t)
	no := errors.New("no")
	_, err := s.Mint(t.Context(), "k", noLeast, func(context.Context, *Lease) (Lease, error) { return Lease{}, no })
	if !errors.Is(err, no) {
		t.Errorf("got %v", err)
	}
	if all, err := s.Leases(); err != nil || len(all) > 0 {
		t.Errorf("kept %v, %v", all, err)
	}
}

// What was minted while the session was ended comes back for the caller to revoke.
func TestMintDuringLogout(t *testing.T) {
	s := begin(t)
	l, err := s.Mint(t.Context(), "k", noLeast, func(ctx context.Context, _ *Lease) (Lease, error) {
		if _, warnings := reopen(t, s).Undo(ctx, nil); len(warnings) > 0 {
			t.Errorf("logout: %v", warnings)
		}
		return minted("", "late"), nil
	})
	testenv.WantError(t, err, "late", "ended by a logout", "log in again")
	if l.Cred.Secret.Reveal() != "late" {
		t.Errorf("got %+v", l)
	}
	wantGone(t, s.Dir)
}

func TestMintWaitsNoLongerThanItMay(t *testing.T) {
	s := begin(t)
	_, err := s.Mint(t.Context(), "k", noLeast, func(context.Context, *Lease) (Lease, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := reopen(t, s).Mint(ctx, "k", noLeast, func(context.Context, *Lease) (Lease, error) {
			t.Error("a second exchange")
			return Lease{}, nil
		})
		testenv.WantError(t, err, "", "another regpass is still at work in "+s.Dir)
		return minted("", "x"), nil
	})
	must(t, err)
}

func TestReadersSeeWholeStates(t *testing.T) {
	s := begin(t)
	done := make(chan struct{})
	var writers, readers sync.WaitGroup
	for w := range 4 {
		mine := reopen(t, s)
		writers.Go(func() {
			for i := range 8 {
				if err := mine.Keep(minted(fmt.Sprint(w), strings.Repeat(fmt.Sprint(i%10), 20000))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 4 {
		mine := reopen(t, s)
		readers.Go(func() {
			for {
				all, err := mine.Leases()
				if err != nil || len(all) > 4 {
					t.Errorf("%d leases, %v", len(all), err)
				}
				for _, l := range all {
					if v := l.Cred.Secret.Reveal(); v != strings.Repeat(v[:1], 20000) {
						t.Error("half a secret")
					}
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	if all, err := s.Leases(); err != nil || len(all) != 4 {
		t.Errorf("%d leases, %v", len(all), err)
	}
}

func TestLoginsAreKeptWhole(t *testing.T) {
	s := begin(t)
	l := minted("k", "s3cr3t")
	l.Scope, l.Cred.SessionToken = "read", regpass.NewSecret("session")
	must(t, s.Keep(l))
	var masked []string
	s.env.Mask = func(all ...regpass.Secret) {
		for _, one := range all {
			masked = append(masked, one.Reveal())
		}
	}
	all, err := s.Leases()
	if err != nil || len(all) != 1 {
		t.Fatalf("got %v, %v", all, err)
	}
	got := all[0]
	if got.Cred.Secret.Reveal() != "s3cr3t" || got.Cred.SessionToken.Reveal() != "session" ||
		got.Cred.Refresh.Reveal() != "refresh-s3cr3t" {
		t.Error("the secrets are not what was kept")
	}
	if strings.Join(masked, " ") != "s3cr3t session refresh-s3cr3t" {
		t.Errorf("masked %d secrets", len(masked))
	}
	got.Cred.Secret, got.Cred.SessionToken, got.Cred.Refresh = l.Cred.Secret, l.Cred.SessionToken, l.Cred.Refresh
	if shown, want := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", l); shown != want || strings.Contains(shown, "s3cr3t") {
		t.Errorf("got %s\nwant %s", shown, want)
	}
}
