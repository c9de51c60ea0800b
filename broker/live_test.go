package broker

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/loopback"
	"github.com/regpass/regpass/internal/process"
	"github.com/regpass/regpass/internal/testenv"
	"github.com/regpass/regpass/session"
)

// TestLiveReadersDoNotWait asks what is known while a registry takes its time to answer: two steps are waiting for a
// credential, and the build goes on.
func TestLiveReadersDoNotWait(t *testing.T) {
	var exchanges, atOnce atomic.Int64
	asked, release := make(chan struct{}, 2), make(chan struct{})
	service := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if atOnce.Add(1) > 1 {
			t.Error("two exchanges at one time")
		}
		defer atOnce.Add(-1)
		asked <- struct{}{}
		<-release
		claims := fmt.Sprintf(`{"exp":%d,"jti":"%d"}`, time.Now().Add(time.Hour).Unix(), exchanges.Add(1))
		payload := base64.RawURLEncoding.EncodeToString([]byte(claims))
		_, _ = fmt.Fprintf(w, `{"access_token":"eyJhbGciOiJub25lIn0.%s.c2ln"}`, payload)
	})
	var all loopback.Servers
	at, err := all.Start(t.Context(), service)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = all.Stop() })
	live, refs := testLive(t, at+"/simple/acme/main type=pyx", at+"/simple/acme/other type=pyx")

	type got struct {
		cred regpass.Credential
		err  error
	}
	done := make(chan got, len(refs))
	for _, ref := range refs {
		go func() {
			cred, err := live.Credential(t.Context(), ref)
			done <- got{cred, err}
		}()
	}
	<-asked
	// An exchange is under way, and stays so until release. Were one of these to wait for it, the test would not end.
	old := regpass.Credential{Host: "pkgs.example", Secret: regpass.NewSecret("old")} // it has no end
	if _, _, ours := live.Identify(old.Secret.Fingerprint()); ours {
		t.Error("a secret that nobody minted is ours")
	}
	if live.Fresh(regpass.Credential{Secret: old.Secret, Expires: time.Now().Add(-time.Minute)}) || !live.Fresh(old) {
		t.Error("what is over is fresh, or what has no end is not")
	}
	live.Fail(errors.New("out of reach"))
	if err := live.Reason(errors.New("build failed")); err == nil || err.Error() != "build failed: out of reach" {
		t.Errorf("reason: %v", err)
	}
	off, cancel := context.WithCancel(t.Context())
	cancel()
	close(release)
	for range refs {
		g := <-done
		if g.err != nil {
			t.Fatal(g.err)
		}
		if id, _, ours := live.Identify(g.cred.Secret.Fingerprint()); !ours || id == "" || !live.Fresh(g.cred) {
			t.Errorf("what was minted is known as %q (ours: %v, fresh: %v)", id, ours, live.Fresh(g.cred))
		}
	}
	if _, err := live.Credential(off, refs[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("a step that was called off got %v", err)
	}
}

// TestLiveOpensWhileItGets opens registries, which takes no turn, while others of the build's steps get credentials,
// end them and ask what is known. The race detector looks on.
func TestLiveOpensWhileItGets(t *testing.T) {
	var exchanges atomic.Int64
	service := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		claims := fmt.Sprintf(`{"exp":%d,"jti":"%d"}`, time.Now().Add(time.Hour).Unix(), exchanges.Add(1))
		payload := base64.RawURLEncoding.EncodeToString([]byte(claims))
		_, _ = fmt.Fprintf(w, `{"access_token":"eyJhbGciOiJub25lIn0.%s.c2ln"}`, payload)
	})
	var all loopback.Servers
	at, err := all.Start(t.Context(), service)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = all.Stop() })
	live, refs := testLive(t, at+"/simple/acme/main type=pyx", at+"/simple/acme/other type=pyx",
		"https://repo.prefix.dev/acme", "https://pkgs.example")
	const rounds = 20
	var group sync.WaitGroup
	for _, ref := range refs {
		group.Go(func() { // a step that was found to use the registry
			for range rounds {
				target, _, err := live.Open(ref)
				if err != nil || target.Ref.Host != ref.Host {
					t.Errorf("%s: %v", ref, err)
				}
			}
		})
	}
	for _, ref := range refs[:2] {
		group.Go(func() { // a step that asks, and shows what it got
			for range rounds {
				cred, err := live.Credential(t.Context(), ref)
				if err != nil {
					t.Error(err)
					return
				}
				if _, _, ours := live.Identify(cred.Secret.Fingerprint()); !ours {
					t.Error("what was got is not known")
				}
				live.Fresh(cred)
				live.Revoke(t.Context(), []string{cred.Secret.Fingerprint()})
			}
		})
	}
	group.Wait()
	if exchanges.Load() < 2 {
		t.Errorf("%d exchanges", exchanges.Load())
	}
}

// silent reports to nobody.
type silent struct{}

func (silent) Note(string) {}
func (silent) Warn(error)  {}

// testLive is a Live with a key and a session of its own, which a token for each reference can be asked of.
func testLive(t *testing.T, references ...string) (*Live, []regpass.Ref) {
	t.Helper()
	env := testenv.New(t, nil)
	vars := map[string]string{"PYX_API_KEY": "key", "REGPASS_SESSION_DIR": filepath.Join(env.Home, "session")}
	env.Getenv = func(name string) string { return vars[name] }
	env.HTTP, env.Now, env.Wait = http.DefaultClient, time.Now, process.Surroundings().Wait
	s, err := session.Start(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	live, err := New(env, s, Options{Timeout: time.Minute, Least: regpass.Least{Time: time.Minute}}, silent{}).Live()
	if err != nil || live.Earlier() {
		t.Fatalf("earlier credentials: %v", err)
	}
	var refs []regpass.Ref
	for _, text := range references {
		ref, err := regpass.ParseRef(text)
		if err != nil {
			t.Fatal(err)
		}
		ref.Trusted = true
		refs = append(refs, ref)
	}
	return live, refs
}
