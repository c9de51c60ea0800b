package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/helper"
	"github.com/regpass/regpass/internal/cli"
	"github.com/regpass/regpass/internal/process"
)

// TestMain lets scripts run the program as `exec regpass`, in a process of its own, and watches the command lines of
// the machine while they run.
func TestMain(m *testing.M) {
	programs := map[string]func(){"regpass": func() { os.Exit(runLogged()) }}
	if _, ok := helper.Started(os.Args[0]); ok { // by a link that the program made to itself
		os.Exit(runLogged())
	}
	for name := range ciPrograms {
		programs[name] = ciProgram(name)
	}
	testscript.Main(watched{m}, programs)
}

// checkout is the root of the checkout, seen from the folder that the tests run in.
const checkout = ".."

// testdata returns the path of a file or folder in testdata.
func testdata(name string) string { return filepath.Join(checkout, "testdata", name) }

// program is the whole of cmd/regpass.
func program(ctx context.Context, env *regpass.Env, args []string) int {
	if path := os.Getenv(clockVariable); path != "" {
		env.Now = clock(path).now
	}
	return cli.Main(ctx, env, "", args)
}

// runLogged is the program, with all that goes to standard error also added to a file, where the script's end looks for
// secrets in it.
func runLogged() int {
	path := os.Getenv("REGPASS_TEST_LOG")
	if path == "" {
		return process.Run(program)
	}
	log, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 99
	}
	defer log.Close()
	read, write, err := os.Pipe()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 99
	}
	stderr := os.Stderr
	os.Stderr = write
	var copying sync.WaitGroup
	copying.Go(func() {
		buf := make([]byte, 32<<10)
		for {
			n, err := read.Read(buf)
			_, _ = log.Write(buf[:n])
			_, _ = stderr.Write(buf[:n])
			if err != nil {
				return
			}
		}
	})
	code := process.Run(program)
	_ = write.Close()
	copying.Wait()
	return code
}

// tokenLike matches what must not be seen: JSON Web Tokens, and API and refresh tokens of the service.
var tokenLike = regexp.MustCompile(jwtLike + `|sk-regpass-` + keyLike + `|rt-regpass-` + keyLike)

const jwtLike, keyLike = `eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}`, `[A-Za-z0-9_-]{20,}`

// tokenBegins is tokenLike at the beginning of a text only, and tokenWords are what all of its matches begin with.
var (
	tokenBegins = regexp.MustCompile(`^(?:` + tokenLike.String() + `)`)
	tokenWords  = []string{"eyJ", "sk-regpass-", "rt-regpass-"}
)

// holdsToken is tokenLike.Match for what may be large: the archive of an image has hundreds of megabytes, which take a
// regular expression minutes where it looks at each byte.
func holdsToken(content []byte) bool {
	for _, word := range tokenWords {
		for rest := content; ; rest = rest[1:] {
			i := bytes.Index(rest, []byte(word))
			if i < 0 {
				break
			}
			if rest = rest[i:]; tokenBegins.Match(rest) {
				return true
			}
		}
	}
	return false
}

// watched is testing.M with an eye on /proc/*/cmdline.
type watched struct{ m *testing.M }

func (w watched) Run() int {
	stop, stopped := make(chan struct{}), make(chan struct{})
	seen := map[string]bool{}
	go func() {
		defer close(stopped)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				for _, program := range tokenOnCommandLine() {
					seen[program] = true
				}
			}
		}
	}()
	code := w.m.Run()
	close(stop)
	<-stopped
	for program := range seen {
		fmt.Fprintf(os.Stderr, "a token stood on the command line of %s\n", program)
		code = 1
	}
	return code
}

// tokenOnCommandLine lists the programs of scripts that have a token on their command line now. It reads the names in
// /proc and one file a process: filepath.Glob would list the folder of each process and take most of a core.
func tokenOnCommandLine() (programs []string) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil // there is none on this system
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1)
	for _, name := range names {
		if name[0] < '1' || name[0] > '9' {
			continue
		}
		line, err := os.ReadFile(filepath.Join("/proc", name, "cmdline"))
		if err == nil && holdsToken(line) && ofScript(filepath.Join("/proc", name)) {
			program, _, _ := bytes.Cut(line, []byte{0})
			programs = append(programs, string(program))
		}
	}
	return programs
}

// parentLine is the line of /proc/PID/status with the parent's number.
var parentLine = regexp.MustCompile(`(?m)^PPid:\s+(\d+)$`)

// runVariable tells what the scripts of this run started by the number of the test's process.
const runVariable = "REGPASS_TEST_RUN"

// ofScript reports whether the process was started by a script of ours: other jobs on the machine, and other runs of
// these tests, are not ours to judge. Our program conceals its variables from all but root, so its parent's count.
func ofScript(proc string) bool {
	environ, err := os.ReadFile(filepath.Join(proc, "environ"))
	if errors.Is(err, fs.ErrPermission) {
		status, _ := os.ReadFile(filepath.Join(proc, "status"))
		if parent := parentLine.FindSubmatch(status); parent != nil {
			environ, err = os.ReadFile(filepath.Join("/proc", string(parent[1]), "environ"))
		}
	}
	return err == nil && bytes.Contains(environ, []byte(fmt.Sprintf("%s=%d\x00", runVariable, os.Getpid())))
}

// logHoldsNoToken fails if standard error of any run of the program held a token but in a runner's mask command.
func logHoldsNoToken(path string) error {
	log, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(log)) {
		if tokenLike.MatchString(line) && !strings.HasPrefix(line, "::add-mask::") {
			return fmt.Errorf("standard error held a token: %s", tokenLike.ReplaceAllString(line, "<TOKEN>"))
		}
	}
	return nil
}

// filesHoldNoToken fails if a file below dir that others may read holds a token.
func filesHoldNoToken(dir string) error {
	return filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		st, err := d.Info()
		if err != nil || st.Mode().Perm()&0o077 == 0 {
			return err
		}
		content, err := os.ReadFile(path)
		if err == nil && holdsToken(content) {
			err = fmt.Errorf("%s (mode %04o) holds a token", path, st.Mode().Perm())
		}
		return err
	})
}

func TestHoldsToken(t *testing.T) {
	part, key := strings.Repeat("a", 8), strings.Repeat("b", 20)
	jwt := "eyJ" + part + ".eyJ" + part + "." + part
	for _, text := range []string{jwt, "eyJ eyJ" + jwt, "x" + jwt + "y", "sk-regpass-sk-regpass-" + key,
		"a\x00rt-regpass-" + key,
		jwt[:len(jwt)-1], "eyJ" + part + "." + part, "sk-regpass-" + key[1:], "eyJ", ""} {
		if got, want := holdsToken([]byte(text)), tokenLike.MatchString(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
