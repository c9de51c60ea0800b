package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// prCapBSetDrop is PR_CAPBSET_DROP of linux/prctl.h.
const prCapBSetDrop = 24

// TestCommandCannotReadOurMemory has a command under exec look for the key that was traded for its credential. As root
// it runs without capabilities, as any other user would.
func TestCommandCannotReadOurMemory(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	index, key := tokenService(t)
	const look = `cat /proc/$PPID/environ >/dev/null && echo environ; head -c 1 /proc/$PPID/mem >/dev/null && echo mem
		readlink /proc/$PPID/fd/1 && echo fd; cat /proc/$$/environ >/dev/null && echo own`
	home := t.TempDir()
	run := func(args ...string) string {
		c := exec.Command(self, args...)
		c.Args[0] = "regpass" // see TestMain
		c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "PYX_API_KEY=" + key}
		out, err := onUnprivilegedThread(c.CombinedOutput)
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	out := run("exec", index+" type=pyx", "--to", "netrc", "--", "sh", "-c", look)
	if !strings.Contains(out, "\nown\n") {
		t.Errorf("the command cannot read its own: %s", out)
	}
	for _, what := range []string{"environ", "mem", "fd"} {
		if strings.Contains(out, "\n"+what+"\n") {
			t.Errorf("the command can read our %s: %s", what, out)
		}
	}
	run("logout")
}

// onUnprivilegedThread calls f on a thread of its own, whose processes have no capabilities.
func onUnprivilegedThread(f func() ([]byte, error)) (out []byte, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked, so that the thread ends
		if os.Geteuid() == 0 {
			for capability := uintptr(0); ; capability++ {
				_, _, e := syscall.RawSyscall(syscall.SYS_PRCTL, prCapBSetDrop, capability, 0)
				if e == syscall.EINVAL { // this was the last
					break
				}
				if e != 0 {
					err = fmt.Errorf("drop capabilities: %w", e)
					return
				}
			}
		}
		out, err = f()
	}()
	<-done
	return out, err
}
