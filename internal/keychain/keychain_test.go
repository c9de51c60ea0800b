package keychain

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/testenv"
)

// TestSecurity holds what goes to macOS's program, and that no secret is among its arguments.
func TestSecurity(t *testing.T) {
	const secret = `{"BearerToken":"it's \"quoted\" \\ $x"}`
	var stdin, args string
	answer, code := secret+"\n", 0
	k := security{run: func(_ context.Context, in string, words ...string) (string, int, error) {
		stdin, args = in, strings.Join(words, " ")
		return answer, code, nil
	}}
	got, found, err := k.Get(t.Context(), "rattler", "h.test")
	if err != nil || !found || got.Reveal() != secret || args != "find-generic-password -s rattler -a h.test -w" {
		t.Errorf("%v, %v: %s", found, err, args)
	}
	if err := k.Set(t.Context(), "rattler", "h.test", regpass.NewSecret(secret)); err != nil || args != "-i" {
		t.Errorf("%v: %s", err, args)
	}
	want := `"add-generic-password" "-U" "-s" "rattler" "-a" "h.test" "-w" ` +
		`"{\"BearerToken\":\"it's \\\"quoted\\\" \\\\ $x\"}"` + "\n"
	if stdin != want {
		t.Errorf("got %s want %s", stdin, want)
	}
	code = notThere
	if _, found, err := k.Get(t.Context(), "rattler", "h.test"); found || err != nil {
		t.Errorf("what is not there: %v, %v", found, err)
	}
	if err := k.Delete(t.Context(), "rattler", "h.test"); err != nil {
		t.Error(err)
	}
	code, answer = 0, strings.Repeat("x", 1<<20)
	_, _, err = k.Get(t.Context(), "rattler", "h.test")
	testenv.WantError(t, err, "", "longer than 65536 bytes")
	err = k.Set(t.Context(), "rattler", "h.test", regpass.NewSecret(strings.Repeat("x", 4096)))
	testenv.WantError(t, err, "", "too long for /usr/bin/security")
	testenv.WantError(t, k.Set(t.Context(), "rattler", "h.test", regpass.NewSecret("a\nb")), "", "line break")
}

// TestCredentialManager holds the layout of Windows' Credential Manager.
func TestCredentialManager(t *testing.T) {
	if got := target("rattler", "*.h.test"); got != "*.h.test.rattler" {
		t.Error(got)
	}
	blob, err := blobOf(regpass.NewSecret("aé𝄞"))
	if want := "a\x00\xe9\x00\x34\xd8\x1e\xdd"; err != nil || string(blob) != want {
		t.Errorf("%q, %v; want %q", blob, err, want)
	}
	if back, err := secretOf(blob); err != nil || back.Reveal() != "aé𝄞" {
		t.Errorf("%q, %v", back.Reveal(), err)
	}
	_, err = secretOf([]byte("abc"))
	testenv.WantError(t, err, "", "not UTF-16")
	_, err = blobOf(regpass.NewSecret(strings.Repeat("x", 1281)))
	testenv.WantError(t, err, "", "1281 characters", "holds 1280")
}

// hanging answers only when its context ends.
type hanging struct{ regpass.Keychain }

func (hanging) Delete(ctx context.Context, _, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestHangingKeychain(t *testing.T) {
	began := time.Now()
	err := bounded{hanging{}}.Delete(t.Context(), "rattler", "h.test")
	testenv.WantError(t, err, "", "did not answer within 3s", "--to rattler")
	if took := time.Since(began); took > 2*limit {
		t.Errorf("it took %s", took)
	}
}
