//go:build linux && (amd64 || arm64)

package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// TestKilledAtEveryCall kills the program just before each of its system calls that change files, in a run of its own
// for each. However far it came, a logout leaves the user's files as they were, byte for byte and with their
// permissions, and nothing of ours.
func TestKilledAtEveryCall(t *testing.T) {
	program := filepath.Join(t.TempDir(), "regpass")
	build := exec.Command("go", "build", "-o", program, filepath.Join(checkout, "cmd/regpass"))
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	index, key := tokenService(t)
	login := []string{"login", index + " type=pyx", "--to", "netrc,rattler,uv", "--netrc-file", "HOME/.netrc",
		"--rattler-home"}
	install := []string{"helper", "install", "docker", index + " type=pyx"}
	uninstall := []string{"helper", "uninstall", "docker"}
	full := map[string]string{
		".docker/config.json": "{\r\n  \"credHelpers\": {}}",
		".netrc": "# mine\r\nmachine 127.0.0.1 login me password mine\r\n" +
			"machine b.test\r\n\tlogin x\r\n\tpassword y",
		".rattler/credentials.json": "{\n  \"a.test\": {\"CondaToken\": \"x\"}\n}\n",
	}
	for _, tt := range []struct {
		name   string
		home   map[string]string
		before []string // a run that nobody kills, with the key
		killed []string
		after  []string // a run that nobody kills, with another token
		end    []string // the run that undoes it; nil: logout
		least  int      // calls that there are at least, or the test would look at nothing
	}{
		{"login", full, nil, login, nil, nil, 30},
		{"login in an empty home", nil, nil, login, nil, nil, 30},
		{"login before another", full, nil, login, login, nil, 30},
		{"login after another", full, login, login, nil, nil, 30},
		{"logout", full, login, []string{"logout"}, nil, nil, 15},
		{"logout in an empty home", nil, login, []string{"logout"}, nil, nil, 15},
		{"exec", full, nil, []string{"exec", index + " type=pyx", "--", "true"}, nil, nil, 30},
		{"install", full, nil, install, nil, uninstall, 15},
		{"install in an empty home", nil, nil, install, nil, uninstall, 15},
		{"uninstall", full, install, uninstall, nil, uninstall, 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // they share the program and the service only
			n := 1
			for ; ; n++ {
				v := newVictim(t, program, key, tt.home)
				const another = "PYX_AUTH_TOKEN=another"
				if tt.before != nil {
					v.run(t, tt.before...)
					v.environ = append(v.environ, another)
				}
				if !v.killedAt(t, n, tt.killed...) {
					break
				}
				if tt.after != nil {
					v.environ = append(v.environ, another)
					v.run(t, tt.after...)
				}
				end := tt.end
				if end == nil {
					end = []string{"logout"}
				}
				if out := v.run(t, end...); strings.Contains(out, "warning") {
					t.Errorf("killed at call %d: the end wrote\n%s", n, out)
				}
				if err := v.asItWas(); err != nil {
					t.Errorf("killed at call %d: %v", n, err)
				}
			}
			t.Logf("%d calls", n-1)
			if n <= tt.least {
				t.Error("those are not all")
			}
		})
	}
}

// victim is a home and the program in it.
type victim struct {
	dir, program string
	environ      []string
	before       map[string]string
}

func newVictim(t *testing.T, program, key string, home map[string]string) *victim {
	t.Helper()
	v := &victim{dir: t.TempDir(), program: program}
	v.environ = []string{"HOME=" + v.dir + "/home", "XDG_STATE_HOME=" + v.dir + "/run", "PATH=" + os.Getenv("PATH"),
		"PYX_API_KEY=" + key}
	for _, dir := range []string{"home", "run"} {
		if err := os.Mkdir(filepath.Join(v.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range home {
		path := filepath.Join(v.dir, "home", name)
		err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o640))
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if v.before, err = snapshot(v.dir); err != nil {
		t.Fatal(err)
	}
	return v
}

// snapshot lists what is below dir: names with mode and content.
func snapshot(dir string) (map[string]string, error) {
	all := map[string]string{}
	return all, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		var content []byte
		if st.Mode().IsRegular() {
			content, err = os.ReadFile(path)
		}
		all[strings.TrimPrefix(path, dir)] = st.Mode().String() + " " + string(content)
		return err
	})
}

// asItWas reports what is different from the beginning.
func (v *victim) asItWas() error {
	now, err := snapshot(v.dir)
	if err != nil {
		return err
	}
	var all []error
	for name, was := range v.before {
		if now[name] != was {
			all = append(all, fmt.Errorf("%s was %q and is %q", name, was, now[name]))
		}
	}
	for name := range now {
		if _, ok := v.before[name]; !ok {
			all = append(all, fmt.Errorf("%s is left", name))
		}
	}
	return errors.Join(all...)
}

func (v *victim) args(args []string) []string {
	all := []string{v.program}
	for _, arg := range args {
		all = append(all, strings.ReplaceAll(arg, "HOME", v.dir+"/home"))
	}
	return all
}

// run runs the program to its good end and returns its output.
func (v *victim) run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(v.program, v.args(args)[1:]...)
	cmd.Env = v.environ
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("regpass %s: %v\n%s", args[0], err, out)
	}
	return string(out)
}

// killedAt runs the program and kills it before the nth call that changes files. It reports whether there were so many.
// It does not use strace, which counts the calls of each thread for itself, so that a kill at the nth misses some.
func (v *victim) killedAt(t *testing.T, n int, args ...string) bool {
	t.Helper()
	runtime.LockOSThread() // the thread that traces has to be the same all along
	defer runtime.UnlockOSThread()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	p, err := os.StartProcess(v.program, v.args(args), &os.ProcAttr{Env: v.environ, Files: []*os.File{null, null, null},
		Sys: &syscall.SysProcAttr{Ptrace: true, Setpgid: true}})
	if err != nil {
		t.Fatal(err)
	}
	pid := p.Pid
	if err := p.Release(); err != nil {
		t.Fatal(err)
	}
	const (
		exitKill  = 0x100000   // PTRACE_O_EXITKILL: it does not outlive us
		noThread  = 0x20000000 // __WNOTHREAD: only the thread that traces may wait
		inSyscall = syscall.SIGTRAP | 0x80
	)
	var st syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &st, 0, nil); err != nil || !st.Stopped() {
		t.Fatalf("start: %v, %v", st, err)
	}
	const options = syscall.PTRACE_O_TRACESYSGOOD | syscall.PTRACE_O_TRACECLONE | exitKill
	if err := syscall.PtraceSetOptions(pid, options); err != nil {
		t.Fatal(err)
	}
	// Its threads are waited for by their process group: by -1 we could take what another test waits for.
	for thread, sig, calls := pid, 0, 0; ; {
		if calls < n {
			_ = syscall.PtraceSyscall(thread, sig) // fails for a thread that is gone
		}
		if thread, err = syscall.Wait4(-pid, &st, syscall.WALL|noThread, nil); err != nil {
			t.Fatal(err)
		}
		sig = 0
		switch {
		case thread == pid && st.Signaled():
			return true
		case thread == pid && st.Exited():
			if st.ExitStatus() != 0 {
				t.Fatalf("regpass %s: exit code %d", args[0], st.ExitStatus())
			}
			return false
		case !st.Stopped():
		case st.StopSignal() == inSyscall:
			if calls < n && changesFiles(pid, thread) {
				if calls++; calls == n {
					if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
						t.Fatal(err)
					}
				}
			}
		case st.StopSignal() != syscall.SIGTRAP && st.StopSignal() != syscall.SIGSTOP:
			sig = int(st.StopSignal()) // the program's own
		}
	}
}

// changesFiles reports whether a thread is about to make a call that changes files.
func changesFiles(pid, thread int) bool {
	const getSyscallInfo, entry = 0x420e, 1 // PTRACE_GET_SYSCALL_INFO, PTRACE_SYSCALL_INFO_ENTRY
	var info struct {
		op     uint8
		arch   uint32
		ip, sp uint64
		nr     uint64
		args   [6]uint64
	}
	_, _, errno := syscall.Syscall6(syscall.SYS_PTRACE, getSyscallInfo, uintptr(thread), unsafe.Sizeof(info),
		uintptr(unsafe.Pointer(&info)), 0, 0)
	if errno != 0 || info.op != entry {
		return false
	}
	switch info.nr {
	case syscall.SYS_RENAMEAT, syscall.SYS_UNLINKAT, syscall.SYS_MKDIRAT, syscall.SYS_FCHMOD, syscall.SYS_FCHMODAT,
		syscall.SYS_FSYNC,
		syscall.SYS_FTRUNCATE, syscall.SYS_LINKAT, syscall.SYS_SYMLINKAT:
		return true
	case syscall.SYS_OPENAT:
		return info.args[2]&(syscall.O_CREAT|syscall.O_TRUNC) != 0
	case syscall.SYS_WRITE:
		to, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/fd/" + strconv.FormatUint(info.args[0], 10))
		if errors.Is(err, fs.ErrPermission) { // the program conceals it from all but root; a pipe counts too then
			return true
		}
		return err == nil && strings.HasPrefix(to, "/") && to != os.DevNull // no socket, no pipe
	}
	return false
}
