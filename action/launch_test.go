//go:build runners

package action_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/regpass/regpass/internal/fake"
)

// These tests run the launchers with a server of releases on loopback. The program that they fetch is a script.

const program = `#!/bin/sh
echo "ran $*" && test -z "$FAIL"
`

const tag = "v1.2.3"

// release is a server of releases, and the checkout of an action that belongs to one of them.
type release struct {
	server   *httptest.Server
	mu       sync.Mutex
	failing  []int // statuses of the next answers
	asked    []string
	served   string
	checkout string
	cache    string
	node     string
}

func newRelease(t *testing.T) *release {
	t.Helper()
	// A folder with a space in its name, as on runners for Windows.
	r := &release{
		served: program, node: node(t, "24"),
		checkout: filepath.Join(t.TempDir(), "an action", "action"),
		cache:    filepath.Join(t.TempDir(), "tool cache"),
	}
	r.server = httptest.NewServer(r)
	t.Cleanup(r.server.Close)
	if err := os.MkdirAll(r.checkout, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range launchers(t) {
		text, err := os.ReadFile(name)
		if err == nil {
			err = os.WriteFile(filepath.Join(r.checkout, name), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	r.pin(t, tag, map[string]string{})
	return r
}

// asset is what this machine's program is called in checksums.json.
func asset(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOHOSTOS", "GOHOSTARCH").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(out)), "-")
}

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

// pin writes checksums.json; no assets: the one that is served.
func (r *release) pin(t *testing.T, version string, assets map[string]string) {
	t.Helper()
	if len(assets) == 0 && version != "" {
		assets = map[string]string{asset(t): sum(program)}
	}
	text, err := json.Marshal(map[string]any{"version": version, "assets": assets})
	if err == nil {
		err = os.WriteFile(filepath.Join(r.checkout, "checksums.json"), text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (r *release) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if req.Method == http.MethodConnect { // this is also the way to github.com, which ends here
		w.WriteHeader(http.StatusForbidden)
		return
	}
	r.asked = append(r.asked, req.URL.Path)
	if strings.HasPrefix(req.URL.Path, "/private/") {
		_, _ = w.Write([]byte("<html>log in</html>"))
		return
	}
	if len(r.failing) > 0 {
		w.WriteHeader(r.failing[0])
		r.failing = r.failing[1:]
		return
	}
	_, _ = w.Write([]byte(r.served))
}

// answers says what the server gives from now on, after these statuses.
func (r *release) answers(text string, failing ...int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.served, r.failing = text, failing
}

// paths are what was asked for so far.
func (r *release) paths() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.asked)
}

// launch runs a launcher as the runner does and returns its exit code and all that it printed.
func (r *release) launch(t *testing.T, name string, vars ...string) (code int, printed string) {
	t.Helper()
	c := exec.Command(r.node, filepath.Join(r.checkout, name))
	c.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"RUNNER_TOOL_CACHE=" + r.cache, "RUNNER_TEMP=" + t.TempDir(),
		"GITHUB_SERVER_URL=" + r.server.URL, "https_proxy=" + r.server.URL,
		"GITHUB_ACTION_REPOSITORY=regpass/regpass",
	}, vars...)
	out, err := c.CombinedOutput()
	if c.ProcessState == nil {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), string(out)
}

// node is the program that ./check installs, of the version that action.yml names or an older one.
func node(t *testing.T, version string) string {
	t.Helper()
	path := filepath.Join(os.Getenv("REGPASS_RUNNERS"), "node"+version, "node")
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("node is missing; ./check installs it and sets REGPASS_RUNNERS: %v", err)
	}
	return path
}

func (r *release) cached(t *testing.T) string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(r.cache, "regpass", "1.2.3", "*", "regpass"))
	if err != nil || len(all) != 1 {
		t.Fatalf("the tool cache holds %q, %v", all, err)
	}
	return all[0]
}

// want fails unless the launcher ended so and printed what matches.
func want(t *testing.T, code int, printed string, wantCode int, pattern string) {
	t.Helper()
	if code != wantCode || !regexp.MustCompile(pattern).MatchString(printed) {
		t.Errorf("exit code %d, not %d, or this does not match %s:\n%s", code, wantCode, pattern, printed)
	}
}

func TestLaunchFetchesOnce(t *testing.T) {
	for _, version := range []string{"24", "20"} {
		t.Run(version, func(t *testing.T) {
			r := newRelease(t)
			r.node = node(t, version)
			fetchesOnce(t, r)
		})
	}
}

func fetchesOnce(t *testing.T, r *release) {
	t.Helper()
	code, printed := r.launch(t, "main.mjs")
	want(t, code, printed, 0, `^ran action main\n$`)
	code, printed = r.launch(t, "post.mjs", "STATE_session=/somewhere")
	want(t, code, printed, 0, `^ran action post\n$`)
	path := "/regpass/regpass/releases/download/v1.2.3/regpass_1.2.3_" + strings.Replace(asset(t), "-", "_", 1)
	if asked := r.paths(); len(asked) != 1 || asked[0] != path {
		t.Errorf("asked for %q, not once for %s", asked, path)
	}
	if _, err := os.Stat(filepath.Dir(r.cached(t)) + ".complete"); err != nil {
		t.Errorf("the tool cache's own mark: %v", err)
	}
	code, printed = r.launch(t, "main.mjs", "FAIL=1")
	want(t, code, printed, 1, `^ran action main\n$`)
}

// A post that has nothing to undo fetches nothing, and none fails a job.
func TestLaunchPost(t *testing.T) {
	r := newRelease(t)
	code, printed := r.launch(t, "post.mjs")
	want(t, code, printed, 0, `^$`)
	if len(r.paths()) > 0 {
		t.Errorf("asked for %q", r.paths())
	}
	code, printed = r.launch(t, "post.mjs", "STATE_session=/somewhere", "FAIL=1")
	want(t, code, printed, 0, `^ran action post\n$`)
	code, printed = r.launch(t, "post.mjs", "STATE_session=/somewhere", "INPUT_BINARY=/nowhere")
	want(t, code, printed, 0, `^::warning title=regpass::the input binary names /nowhere, which does not exist\n$`)
}

func TestLaunchChecksums(t *testing.T) {
	r := newRelease(t)
	r.answers("#!/bin/sh\necho evil\n")
	code, printed := r.launch(t, "main.mjs")
	want(t, code, printed, 1, `^::error title=regpass::the program could not be downloaded%0A`+
		`GET \S+: the file does not have the checksum [0-9a-f]{64}, so it is not run%0A`)
	left, err := filepath.Glob(filepath.Join(r.cache, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("the tool cache holds %q, %v", left, err)
	}

	// What another job put into the tool cache is not run either.
	r.answers(program)
	code, printed = r.launch(t, "main.mjs")
	want(t, code, printed, 0, `^ran action main\n$`)
	if err := os.WriteFile(r.cached(t), []byte("#!/bin/sh\necho evil\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	code, printed = r.launch(t, "main.mjs")
	want(t, code, printed, 0, `^ran action main\n$`)
	if len(r.paths()) != 3 {
		t.Errorf("asked %d times", len(r.paths()))
	}
}

// What runs is a copy that other jobs can't exchange, and it is gone after.
func TestLaunchCopies(t *testing.T) {
	r := newRelease(t)
	says := "#!/bin/sh\necho \"$0\"\n"
	r.answers(says)
	r.pin(t, tag, map[string]string{asset(t): sum(says)})
	temp := t.TempDir()
	for range 2 { // fetched, and from the cache
		code, printed := r.launch(t, "main.mjs", "RUNNER_TEMP="+temp)
		want(t, code, printed, 0, `^`+temp+`/regpass-program-\w+/regpass\n$`)
		if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
			t.Errorf("the temporary folder holds %v, %v", left, err)
		}
	}
	if len(r.paths()) != 1 {
		t.Errorf("asked for %q", r.paths())
	}
}

// Whatever another job makes of the tool cache, it is not followed, waited for or needed.
func TestLaunchHostileCache(t *testing.T) {
	r := newRelease(t)
	code, printed := r.launch(t, "main.mjs")
	want(t, code, printed, 0, `^ran action main\n$`)
	file := r.cached(t)
	mark, theirs := filepath.Dir(file)+".complete", filepath.Join(t.TempDir(), "theirs")
	for name, spoil := range map[string]func() error{
		"a mark that is a link": func() error { return os.Symlink(theirs, mark) },
		"a pipe":                func() error { return exec.Command("mkfifo", file).Run() },
		"a link to nowhere":     func() error { return os.Symlink(theirs+"/none", file) },
		"a folder":              func() error { return os.MkdirAll(filepath.Join(file, "full"), 0o700) },
		"a link to a file":      func() error { return os.Symlink(theirs, file) },
		"no folder": func() error {
			return errors.Join(os.RemoveAll(filepath.Dir(file)), os.WriteFile(filepath.Dir(file), nil, 0o600))
		},
	} {
		if err := errors.Join(os.RemoveAll(filepath.Dir(file)), os.RemoveAll(mark), os.MkdirAll(filepath.Dir(file), 0o700),
			os.WriteFile(theirs, []byte("precious"), 0o600), spoil()); err != nil {
			t.Fatal(err)
		}
		code, printed := r.launch(t, "main.mjs")
		text, err := os.ReadFile(theirs)
		if code != 0 || printed != "ran action main\n" || err != nil || string(text) != "precious" {
			t.Errorf("%s: exit code %d, %s; the other file holds %q, %v", name, code, printed, text, err)
		}
	}
}

// A server that shows a page to log in on has no release, and the next place is asked.
func TestLaunchAsksElsewhere(t *testing.T) {
	r := newRelease(t)
	code, printed := r.launch(t, "main.mjs", "GITHUB_ACTION_REPOSITORY=private/regpass")
	want(t, code, printed, 0, `^ran action main\n$`)
	asked := r.paths()
	if len(asked) != 2 || !strings.HasPrefix(asked[0], "/private/regpass/") ||
		!strings.HasPrefix(asked[1], "/regpass/regpass/") {
		t.Errorf("asked for %q", asked)
	}
}

// A mistake that no runner makes has an error in plain words.
func TestLaunchMistakes(t *testing.T) {
	r := newRelease(t)
	code, printed := r.launch(t, "main.mjs", "RUNNER_TEMP=")
	want(t, code, printed, 1, `^::error title=regpass::RUNNER_TEMP is not set%0Aonly a runner runs this`)
	r.answers("", 404)
	code, printed = r.launch(t, "main.mjs")
	want(t, code, printed, 1, `^::error title=regpass::the program could not be downloaded%0A`+
		`GET http://\S+: status 404%0AGET https://github\.com/\S+: .*%0A`+
		`if none of these can be reached, name a program with the input binary\n$`)
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{text, filepath.Dir(text)} {
		code, printed = r.launch(t, "main.mjs", "INPUT_BINARY="+path)
		want(t, code, printed, 1, `^::error title=regpass::`+path+` could not be started: spawn \S+ EACCES%0A`+
			`it must be a program for this system`)
	}
}

func TestLaunchAsksAgain(t *testing.T) {
	r := newRelease(t)
	r.answers(program, 500, 503)
	code, printed := r.launch(t, "main.mjs")
	want(t, code, printed, 0, `^ran action main\n$`)
	if len(r.paths()) != 3 {
		t.Errorf("asked %d times", len(r.paths()))
	}
}

func TestLaunchVersions(t *testing.T) {
	r := newRelease(t)
	other := strings.Repeat("0", 64)
	for _, test := range []struct {
		version string
		code    int
		printed string
	}{
		{tag, 0, `^ran action main\n$`},
		{tag + " sha256:" + sum(program), 0, `^ran action main\n$`},
		{"v1.2.4", 1, `^::error title=regpass::this action knows the checksum of v1\.2\.3%0Awrite version: `},
		{"v1.2.4 sha256:" + other[1:], 1, `^::error title=regpass::this action knows the checksum of v1\.2\.3%0A`},
		{"../../x sha256:" + sum(program), 1, `^::error title=regpass::this action knows the checksum of v1\.2\.3%0A`},
		{"v1.2.4 sha256:" + other, 1, `^::error title=regpass::the program could not be downloaded%0A` +
			`GET \S+/v1\.2\.4/\S+: the file does not have the checksum 0{64}, so it is not run%0A`},
		{"v1.2.4 sha256:" + sum(program), 0, `^ran action main\n$`},
	} {
		code, printed := r.launch(t, "main.mjs", "INPUT_VERSION="+test.version)
		want(t, code, printed, test.code, test.printed)
	}
	r.pin(t, tag, map[string]string{"plan9-mips": other})
	code, printed := r.launch(t, "main.mjs")
	want(t, code, printed, 1,
		`^::error title=regpass::there is no regpass for \S+%0Abuild one and name it with the input binary\n$`)
	r.pin(t, "", map[string]string{})
	code, printed = r.launch(t, "main.mjs", "PATH=/nowhere")
	want(t, code, printed, 1, `^::error title=regpass::this version of the action belongs to no release `+
		`and could not be built with Go%0Ause a release`)
}

// A checkout that belongs to no release is built, once a job.
func TestLaunchBuilds(t *testing.T) {
	r := newRelease(t)
	r.pin(t, "", map[string]string{})
	root := filepath.Dir(r.checkout)
	if err := os.MkdirAll(filepath.Join(root, "cmd", "regpass"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"go.mod": "module example.org/regpass\n\ngo 1.26\n",
		"cmd/regpass/main.go": "package main\n\nimport \"os\"\n\nfunc main() { println(\"built\", os.Args[2]) }\n"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	temp := "RUNNER_TEMP=" + t.TempDir()
	code, printed := r.launch(t, "main.mjs", temp)
	want(t, code, printed, 0, `^built main\n$`)
	code, printed = r.launch(t, "post.mjs", temp, "PATH=/nowhere", "STATE_session=/somewhere")
	want(t, code, printed, 0, `^built post\n$`)
	if asked := r.paths(); len(asked) > 0 {
		t.Errorf("asked for %q", asked)
	}
}

// Two jobs of one machine fetch at the same time, and both run what they checked.
func TestLaunchTwoAtOnce(t *testing.T) {
	r := newRelease(t)
	var jobs sync.WaitGroup
	for range 4 {
		jobs.Go(func() {
			code, printed := r.launch(t, "main.mjs")
			want(t, code, printed, 0, `^ran action main\n$`)
		})
	}
	jobs.Wait()
	left, err := os.ReadDir(filepath.Dir(r.cached(t)))
	if err != nil || len(left) != 1 {
		t.Errorf("beside the program there is %v, %v", left, err)
	}
}

// A binary that is given needs no release; a runner that calls off the job tells it.
func TestLaunchBinary(t *testing.T) {
	r := newRelease(t)
	own := filepath.Join(t.TempDir(), "own program")
	if err := os.WriteFile(own, []byte(program), 0o755); err != nil {
		t.Fatal(err)
	}
	code, printed := r.launch(t, "main.mjs", "INPUT_BINARY="+own)
	want(t, code, printed, 0, `^ran action main\n$`)
	if len(r.paths()) > 0 {
		t.Errorf("asked for %q", r.paths())
	}
	const waits = "#!/bin/sh\ntrap 'echo called off; exit 9' INT\necho waits\nsleep 5 >/dev/null 2>&1 &\nwait\n"
	if err := os.WriteFile(own, []byte(waits), 0o755); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(r.node, filepath.Join(r.checkout, "main.mjs"))
	c.Env = append(os.Environ(), "INPUT_BINARY="+own)
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64)
	if n, err := out.Read(buf); string(buf[:n]) != "waits\n" {
		t.Fatalf("%q, %v", buf[:n], err)
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	n, _ := out.Read(buf)
	_ = c.Wait()
	if string(buf[:n]) != "called off\n" || c.ProcessState.ExitCode() != 9 {
		t.Errorf("%q, exit code %d", buf[:n], c.ProcessState.ExitCode())
	}
}

// Where the workflow's server is reached by way of a proxy, so is the release.
func TestLaunchProxy(t *testing.T) {
	r := newRelease(t)
	hosts := make(chan string, 10)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		hosts <- req.Host
		if req.Method != http.MethodConnect {
			r.ServeHTTP(w, req)
			return
		}
		tunnel(t, w, r.server.Listener.Addr().String())
	}))
	t.Cleanup(proxy.Close)
	code, printed := r.launch(t, "main.mjs",
		"GITHUB_SERVER_URL=http://ghe.example", "http_proxy="+proxy.URL, "HTTP_PROXY="+proxy.URL)
	want(t, code, printed, 0, `^ran action main\n$`)
	if len(hosts) != 1 || !strings.HasPrefix(<-hosts, "ghe.example") {
		t.Error("the proxy was not asked once for ghe.example")
	}
}

func tunnel(t *testing.T, w http.ResponseWriter, to string) {
	server, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", to)
	if err != nil {
		t.Error(err)
		return
	}
	client, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	fmt.Fprint(client, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() { _, _ = server.(*net.TCPConn).ReadFrom(client); _ = server.Close() }()
	go func() { _, _ = client.(*net.TCPConn).ReadFrom(server); _ = client.Close() }()
}

// The log shows a problem as one annotation, whatever it holds.
func TestLaunchProblemIsNoCommand(t *testing.T) {
	r := newRelease(t)
	code, printed := r.launch(t, "main.mjs", "INPUT_BINARY=/a\n::error::b##[group]100%")
	_, commands := fake.Log(printed)
	const said = "the input binary names /a\n::error::b##\\x5bgroup]100%, which does not exist"
	if code != 1 || len(commands) != 1 || commands[0].Data != said {
		t.Errorf("exit code %d, commands %q", code, commands)
	}
}
