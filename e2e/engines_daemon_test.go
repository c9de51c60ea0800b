//go:build engines && linux

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	startTime = 30 * time.Second // until a daemon is ready, which takes it about one
	stopTime  = 20 * time.Second // until one that was asked to end is killed
)

// start runs a daemon until the test ends, and returns when it has written the line that says that it is ready.
func (e *engines) start(ready, name string, args ...string) error {
	cmd := exec.CommandContext(e.t.Context(), e.path("bin", name), args...)
	cmd.Dir = e.dir
	// Nothing of the machine's settings, and all temporary files, which secrets of running steps are, below the folder.
	cmd.Env = []string{"PATH=" + e.path("bin") + ":/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + e.dir,
		"TMPDIR=" + e.path("tmp")}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTime
	out := &untilLine{line: ready, seen: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // an early end is seen below, or by the scripts
	}()
	e.t.Cleanup(func() { // the test's context is done by then
		<-ended
		if e.t.Failed() {
			e.t.Logf("%s wrote:\n%s", name, out)
		}
	})
	ctx, cancel := context.WithTimeout(e.t.Context(), startTime)
	defer cancel()
	select {
	case <-out.seen:
		return nil
	case <-ended:
		return fmt.Errorf("%s ended: %s:\n%s", name, cmd.ProcessState, out)
	case <-ctx.Done():
		return fmt.Errorf("%s is not ready: %w:\n%s", name, ctx.Err(), out)
	}
}

// untilLine keeps what a program writes and tells when it has written the line.
type untilLine struct {
	line string
	seen chan struct{} // closed when the line is there
	mu   sync.Mutex
	all  bytes.Buffer
	done bool
}

func (u *untilLine) Write(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.all.Write(p)
	if !u.done && bytes.Contains(u.all.Bytes(), []byte(u.line)) {
		u.done = true
		close(u.seen)
	}
	return len(p), nil
}

func (u *untilLine) String() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.all.String()
}

// removeMounted removes a folder, and first unmounts what is still mounted below it: podman's own folder, which it
// binds to itself, and whatever an engine that died left.
func removeMounted(dir string) error {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	var all []error
	for _, line := range slices.Backward(strings.Split(string(mounts), "\n")) {
		// The fifth field is the mount point (proc(5)).
		if words := strings.Fields(line); len(words) > 4 && strings.HasPrefix(words[4], dir+"/") {
			all = append(all, syscall.Unmount(words[4], syscall.MNT_DETACH))
		}
	}
	return errors.Join(append(all, os.RemoveAll(dir))...)
}
