package session

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/internal/testenv"
)

// command begins a command in a session that has a private file.
func command(t *testing.T, s *Session) (sub *Session, end func() []error) {
	t.Helper()
	sub, ends, err := reopen(t, s).Sub(t.Context())
	must(t, err)
	own := inPlace(t, "netrc", filepath.Join(sub.Files(), "netrc"), "t0ken")
	own.Private = true
	apply(t, sub, own)
	return sub, func() []error { return ends(t.Context(), revokeNone(t)) }
}

// killed begins a command as its process leaves it that is killed: the system drops its lock and nothing else.
func killed(t *testing.T, s *Session) *Session {
	t.Helper()
	sub, _ := command(t, s)
	must(t, os.Remove(filepath.Join(sub.Dir, aliveName))) // with another one the lock is nobody's
	must(t, os.WriteFile(filepath.Join(sub.Dir, aliveName), nil, 0o600))
	return sub
}

func TestCommandsLeaveNothing(t *testing.T) {
	s := begin(t)
	must(t, s.Keep(minted("k", "s3cr3t")))
	one, endOne := command(t, s)
	two, endTwo := command(t, s)
	if one.Dir == two.Dir {
		t.Fatal("two commands share a folder")
	}
	if warnings := endOne(); len(warnings) > 0 {
		t.Errorf("warned %v", warnings)
	}
	wantGone(t, one.Dir)
	if got := read(t, filepath.Join(two.Files(), "netrc")); !strings.Contains(got, "t0ken") {
		t.Errorf("the other command's file is %q", got)
	}
	if warnings := endTwo(); len(warnings) > 0 {
		t.Errorf("warned %v", warnings)
	}
	wantGone(t, two.Dir)
	if all, err := s.Leases(); err != nil || len(all) != 1 {
		t.Errorf("the session's credentials are %v, %v", all, err)
	}
	logout(t, s)
}

func TestCommandsThatWereKilledAreSwept(t *testing.T) {
	for _, tt := range []struct {
		name string
		next func(t *testing.T, s *Session)
	}{
		{"by the next command", func(t *testing.T, s *Session) {
			_, end := command(t, s)
			if warnings := end(); len(warnings) > 0 {
				t.Errorf("warned %v", warnings)
			}
		}},
		{"by logout", func(t *testing.T, s *Session) { logout(t, s) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := begin(t)
			whole := killed(t, s)
			empty, marked := filepath.Join(s.Dir, subName+rand.Text()), filepath.Join(s.Dir, subName+rand.Text())
			must(t, os.Mkdir(empty, 0o700)) // killed right after making its folder
			must(t, os.Mkdir(marked, 0o700))
			must(t, os.WriteFile(filepath.Join(marked, lockName), nil, 0o600)) // and right after marking it
			tt.next(t, s)
			for _, dir := range []string{whole.Dir, empty, marked} {
				wantGone(t, dir)
			}
		})
	}
}

// Logout takes nothing from commands that run, not even their credential, and the last of them ends what logout had to
// leave.
func TestLogoutWhileCommandsRun(t *testing.T) {
	s := begin(t)
	path := filepath.Join(s.env.Home, "netrc")
	putFile(t, path, "machine h.test login x password y\n", 0o644)
	must(t, s.Keep(minted("k", "s3cr3t")))
	apply(t, s, inPlace(t, "netrc", path, "t0ken"))
	one, endOne := command(t, s)
	two, ends, err := s.Sub(t.Context())
	must(t, err)

	did, warnings := reopen(t, s).Undo(t.Context(), func(context.Context, Lease) (bool, error) { return true, nil })
	if got := strings.Join(did, "; "); got != "put back "+path {
		t.Errorf("did %s", got)
	}
	if len(warnings) != 1 {
		t.Fatalf("warned %v", warnings)
	}
	testenv.WantError(t, warnings[0], "", "commands still run in "+s.Dir+" (2)")
	for name, what := range disk(t, s.Dir) {
		if strings.Contains(what, "s3cr3t") && name != "/"+stateName || strings.Contains(what, "t0ken") &&
			!strings.HasPrefix(name, strings.TrimPrefix(one.Dir, s.Dir)) {
			t.Errorf("%s holds a secret", name)
		}
	}
	if got := read(t, filepath.Join(one.Files(), "netrc")); !strings.Contains(got, "t0ken") {
		t.Errorf("the running command's file is %q", got)
	}

	// The running command refreshes one credential.
	fresh := func(context.Context, *Lease) (Lease, error) { return minted("", "fresh"), nil }
	_, err = s.Mint(t.Context(), "another", regpass.Least{}, fresh)
	must(t, err)
	if warnings := endOne(); len(warnings) > 0 {
		t.Errorf("warned %v", warnings)
	}
	if _, err := os.Stat(two.Dir); err != nil {
		t.Errorf("the other command lost its folder: %v", err)
	}
	var revoked []string
	warnings = ends(t.Context(), func(_ context.Context, l Lease) (bool, error) {
		revoked = append(revoked, l.Cred.Secret.Reveal())
		return true, nil
	})
	if len(warnings) > 0 || strings.Join(revoked, " ") != "s3cr3t fresh" {
		t.Errorf("warned %v, revoked %d", warnings, len(revoked))
	}
	wantGone(t, s.Dir)
}

func TestForcedLogoutWhileCommandsRun(t *testing.T) {
	s := begin(t)
	must(t, s.Keep(minted("k", "s3cr3t")))
	_, end := command(t, s)
	revoke := func(context.Context, Lease) (bool, error) { return true, nil }
	did, warnings := reopen(t, s).End(t.Context(), revoke, Ending{Force: true})
	if strings.Join(did, "; ") != "revoked the credential for h.test" || len(warnings) != 1 {
		t.Errorf("did %q, warned %v", did, warnings)
	}
	if warnings := end(); len(warnings) > 0 {
		t.Errorf("warned %v", warnings)
	}
	wantGone(t, s.Dir)
}

// A login after such a logout begins anew: the command that ends then takes nothing from it.
func TestLoginAfterALogoutWhileCommandsRun(t *testing.T) {
	s := begin(t)
	_, end := command(t, s)
	_, warnings := reopen(t, s).Undo(t.Context(), nil)
	if len(warnings) != 1 {
		t.Errorf("warned %v", warnings)
	}
	must(t, reopen(t, s).Keep(minted("k", "new")))
	if warnings := end(); len(warnings) > 0 {
		t.Errorf("warned %v", warnings)
	}
	if all, err := s.Leases(); err != nil || len(all) != 1 {
		t.Errorf("got %v, %v", all, err)
	}
	logout(t, s)
}

func TestCommandWhoseSessionWasRemovedByHand(t *testing.T) {
	s := begin(t)
	_, end := command(t, s)
	must(t, os.RemoveAll(s.Dir))
	if warnings := end(); len(warnings) > 0 {
		t.Errorf("warned %v", warnings)
	}
	wantGone(t, s.Dir)
}

func TestCommandsAtOnce(t *testing.T) {
	s := begin(t)
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			for range 5 {
				sub, end, err := s.Sub(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				own := envsync.Change{Private: true, Path: filepath.Join(sub.Files(), "netrc"), Format: formatOf(t, "netrc"),
					Entries: []envsync.Entry{{Cred: regpass.Credential{Host: "h.test", Kind: regpass.Bearer, Username: "u",
						Secret: regpass.NewSecret("t0ken")}}}}
				if err := sub.Apply(context.Background(), []envsync.Change{own}); err != nil {
					t.Error(err)
				}
				if _, err := os.Stat(own.Path); err != nil {
					t.Errorf("the command's file: %v", err)
				}
				if warnings := end(context.Background(), nil); len(warnings) > 0 {
					t.Errorf("warned %v", warnings)
				}
			}
		})
	}
	all.Wait()
	for name := range disk(t, s.Dir) {
		if strings.Contains(name, subName) {
			t.Errorf("%s is left", name)
		}
	}
	logout(t, s)
}
