package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

// A process that was stopped, or that means harm, may hold a lock of the session for ever. No command waits longer than
// its time limit.
func TestHeldLocksCostNoMoreThanTheLimit(t *testing.T) {
	if runtime.GOOS == "windows" { // there is no lock of those that use the session
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	run := func(args ...string) string {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, self, args...)
		cmd.Args[0] = "regpass" // see TestMain
		cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "REGPASS_API_KEY=key-of-the-test-0123",
			"REGPASS_SESSION_DIR=" + filepath.Join(home, "session")}
		out, _ := cmd.CombinedOutput()
		if ctx.Err() != nil {
			t.Errorf("%s: it waits for ever", args[0])
		}
		return string(out)
	}
	const limit, registry = "--timeout=100ms", "https://pkgs.example/simple"
	run("login", registry)
	for _, name := range []string{"used", "regpass.lock"} {
		held := flock.New(filepath.Join(home, "session", name), flock.SetFlag(os.O_RDWR))
		if ok, err := held.TryLock(); !ok || err != nil {
			t.Fatal(name, ok, err)
		}
		for _, args := range [][]string{{"exec", registry, limit, "--", "true"}, {"secrets", registry, limit}} {
			if out := run(args...); !strings.Contains(out, "another regpass is still at work in") {
				t.Errorf("%s, %s: %s", name, args[0], out)
			}
		}
		if err := held.Unlock(); err != nil {
			t.Fatal(err)
		}
	}
	run("logout")
}
