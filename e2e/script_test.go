package e2e

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/internal/loopback"
	"github.com/regpass/regpass/internal/process"
	"github.com/regpass/regpass/internal/sample"
	"github.com/regpass/regpass/sts"
)

var update = flag.Bool("update", false, "rewrite the expectations in the scripts")

// TestScripts runs the scripts in testdata/script. Each has a token service with a private index and channel, a GitHub
// job, a GitLab job and a server that misbehaves at hand; see setup and commands.
//
// Hosts other than this machine are behind a proxy that does not exist, so a script asks nobody else.
func TestScripts(t *testing.T) {
	runScripts(t, "script", func(e *testscript.Env) error {
		e.Setenv("https_proxy", "http://127.0.0.1:9")
		e.Setenv("NO_GCE_CHECK", "true") // the tests may run on Google Cloud
		return setup(e)
	})
}

// runScripts runs the scripts in a folder of testdata. They have commands and more.
func runScripts(t *testing.T, dir string, setup func(*testscript.Env) error, more ...scriptCommands) {
	t.Helper()
	cmds := maps.Clone(commands)
	for _, m := range more {
		maps.Copy(cmds, m)
	}
	testscript.Run(t, testscript.Params{Dir: testdata(dir), Setup: setup, Cmds: cmds, UpdateScripts: *update,
		RequireExplicitExec: true, RequireUniqueNames: true})
}

// fixture is what a script works with.
type fixture struct {
	servers loopback.Servers // the service is the first
	service *loopback.Handler
	url     string           // of the service
	audit   *loopback.Buffer // of the service
	clock   clock            // of the service and the program
	minted  *minted          // by the service
	github  *fake.GitHub
	issuer  *fake.Issuer      // of all CI systems
	bad     *loopback.Handler // what the command misbehave chose
	keySum  string            // of the API key, as a configuration has it
	wheels  string            // folder of the index
	channel string            // folder of the channel
	builds  int               // of Jenkins, so far
	clouds  *clouds           // once a script has them
}

type fixtureKey struct{}

// setup gives a script a home, a folder for its session, keys and the addresses of its servers.
func setup(e *testscript.Env) error {
	work := e.WorkDir
	key, sum := sts.NewKey()
	f := &fixture{service: &loopback.Handler{}, bad: &loopback.Handler{}, audit: &loopback.Buffer{}, minted: newMinted(),
		clock:  clock(filepath.Join(work, ".clock")),
		keySum: sum,
		wheels: filepath.Join(work, ".served", "wheels"), channel: filepath.Join(work, ".served", "channel")}
	e.Values[fixtureKey{}] = f
	for _, dir := range []string{"home", "run", ".served/wheels"} {
		if err := os.MkdirAll(filepath.Join(work, dir), 0o700); err != nil {
			return err
		}
	}
	name, wheel, err := sample.Wheel("acme-private", "1.0")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(f.wheels, name), wheel, 0o600); err != nil {
		return err
	}
	if err := sample.Channel(f.channel, "acme-private", "1.0"); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(work, "key"), []byte(key.Reveal()+"\n"), 0o600); err != nil {
		return err
	}
	ctx := context.Background()
	var bad string
	if f.url, err = f.servers.Start(ctx, f.service); err == nil {
		bad, err = f.servers.Start(ctx, f.bad)
	}
	if err == nil {
		f.issuer, err = fake.NewIssuer("RS256")
	}
	if err != nil {
		return err
	}
	f.github = fake.NewGitHub(f.issuer)
	if f.issuer.URL, err = f.servers.Start(ctx, f.github); err != nil {
		return err
	}
	if err := f.serve(time.Hour); err != nil {
		return err
	}
	log := filepath.Join(work, ".stderr")
	for name, value := range map[string]string{
		"HOME": filepath.Join(work, "home"), "XDG_STATE_HOME": filepath.Join(work, "run"),
		"SESSION": filepath.Join(work, "run", "regpass"), "KEY": key.Reveal(),
		"SERVICE": f.url, "BAD": bad, "INDEX": f.url + "/simple/acme/main", "CHANNEL": f.url + "/conda/acme/main",
		"PUBLISH": f.url + "/v1/upload/acme/main", "REGPASS_TEST_LOG": log, runVariable: strconv.Itoa(os.Getpid()),
		clockVariable: string(f.clock),
	} {
		e.Setenv(name, value)
	}
	t := e.T().(interface {
		Errorf(format string, args ...any)
	})
	e.Defer(func() {
		_ = f.servers.Stop()
		for _, err := range []error{logHoldsNoToken(log), filesHoldNoToken(work)} {
			if err != nil {
				t.Errorf("%v", err)
			}
		}
		if tokenLike.MatchString(f.audit.String()) {
			t.Errorf("the service's audit held a token")
		}
		if f.clouds != nil && len(f.clouds.live()) > 0 {
			t.Errorf("tokens that nobody revoked are left at %s", f.clouds.live())
		}
		for _, wrong := range f.github.Wrong() {
			t.Errorf("a request to GitHub's token service was wrong: %s", wrong)
		}
	})
	return nil
}

// serve starts the service anew, with tokens of the lifetime given.
func (f *fixture) serve(lifetime time.Duration) error {
	cfg := sts.Config{
		PublicURL: f.url, TokenLifetime: lifetime,
		APIKeys: []sts.APIKey{{Name: "laptop", SHA256: f.keySum, Workspaces: []string{"acme"},
			Permissions: sts.Permissions{sts.Read, sts.Write}}},
		Indexes: []sts.Index{
			{Workspace: "acme", Name: "main", Kind: sts.PyPI, Folder: f.wheels},
			{Workspace: "acme", Name: "main", Kind: sts.Conda, Folder: f.channel},
		},
	}
	// The service's own audience, the one that clients use for pyx and for the service that PYX_API_URL names, and those
	// of CI systems that have only one.
	for _, audience := range []string{"", "pyx:trusted-access", fake.AzureAudience, fake.SemaphoreAudience,
		fake.SpaceliftAudience} {
		for _, claims := range trusted {
			cfg.Trust = append(cfg.Trust, sts.Trust{Issuer: f.issuer.URL, Claims: claims, Workspace: "acme",
				Audience: audience, Permissions: sts.Permissions{sts.Read, sts.Write}})
		}
	}
	env := process.Surroundings()
	env.Mask, env.Now = func(...regpass.Secret) {}, f.clock.now
	service, err := sts.New(context.Background(), cfg, sts.Options{Env: env, Audit: f.audit})
	if err != nil {
		return err
	}
	f.service.Set(f.clock.moves(f.minted.remember(service.Handler())))
	return nil
}

// trusted are the jobs that the service trusts, by claims: one on each CI system.
var trusted = []map[string]string{
	{"repository": "acme/app", "ref": "refs/heads/main"},
	{"project_path": "acme/app"},
	{"organization_slug": "acme", "pipeline_slug": "app", "build_branch": "main"},
	{"oidc.circleci.com/vcs-origin": "github.com/acme/app", "oidc.circleci.com/vcs-ref": "refs/heads/main"},
	{"repositoryUuid": "{fe99db34-e979-40be-b383-c1a7738b52f7}", "branchName": "main"},
	{"sub": "https://jenkins.example/job/app/"},
	{"sub": "p://acme/app/build"},
	{"sub": "account:5f30ebd30312313ae7f17948:*:scm_ref:main"},
	{"sub": "build:*"},
	{"sub": "org:acme:*:ref:refs/heads/main"},
	{"sub": "organization:acme:*"},
	{"sub": "space:root:stack:app:*"},
	{"sub": "arn:aws:iam::123456789012:role/ci"},
	{"sub": "spiffe://acme.example/ci"},
}

// commands are the commands that every script has.
var commands = scriptCommands{
	// lifetime D: from now on the service's tokens live for D; it forgets all it knew.
	"lifetime": func(ts *testscript.TestScript, neg bool, args []string) {
		d, err := time.ParseDuration(args[0])
		ts.Check(err)
		ts.Check(fixtureOf(ts).serve(d))
	},
	// github [CLAIM=VALUE…]: this is a job of GitHub Actions.
	"github": func(ts *testscript.TestScript, neg bool, args []string) {
		g := fixtureOf(ts).github
		claims := map[string]any{}
		for _, arg := range args {
			name, value, _ := strings.Cut(arg, "=")
			claims[name] = value
		}
		g.SetClaims(claims)
		setAll(ts, g.Environ())
		setAll(ts, []string{"RUNNER_TEMP=" + ts.Getenv("WORK") + "/run", "SESSION="})
	},
	// gitlab VARIABLE=AUDIENCE…: this is a job of GitLab with these id_tokens.
	"gitlab": func(ts *testscript.TestScript, neg bool, args []string) {
		g := fake.GitLab{Issuer: fixtureOf(ts).issuer, IDTokens: map[string]any{},
			Claims: map[string]any{"project_path": "acme/app"}}
		for _, arg := range args {
			name, audience, _ := strings.Cut(arg, "=")
			g.IDTokens[name] = audience
		}
		vars, err := g.Environ()
		ts.Check(err)
		setAll(ts, vars)
		setAll(ts, []string{"CI_PROJECT_DIR=" + ts.Getenv("WORK") + "/run"})
	},
	// clouds: all hosts but this machine's are the clouds', by way of a proxy.
	"clouds": cmdClouds,
	// spiffe: an agent of SPIFFE is on this machine.
	"spiffe": cmdSpiffe,
	// job CI [N]: the Nth recipe, or the first, of docs/ci/CI.md is run as the CI would.
	"job": cmdJob,
	// shown CI FILE: the first recipe of docs/ci/CI.md is that of FILE.
	"shown": cmdShown,
	// audit N REGEXP: N lines of the service's audit match; N+: that many or more.
	"audit": func(ts *testscript.TestScript, neg bool, args []string) {
		number, more := strings.CutSuffix(args[0], "+")
		want, err := strconv.Atoi(number)
		ts.Check(err)
		re, err := regexp.Compile(args[1])
		ts.Check(err)
		got := 0
		for line := range strings.Lines(fixtureOf(ts).audit.String()) {
			if re.MatchString(line) {
				got++
			}
		}
		if got != want && (!more || got < want) {
			ts.Fatalf("%d lines of the audit match %s, not %s:\n%s", got, args[1], args[0], fixtureOf(ts).audit)
		}
	},
	// misbehave HOW: what the server at $BAD does with every request.
	"misbehave": func(ts *testscript.TestScript, neg bool, args []string) {
		h, ok := misbehaviour[args[0]]
		if !ok {
			ts.Fatalf("unknown misbehaviour %s", args[0])
		}
		fixtureOf(ts).bad.Set(h)
	},
	// The runner's side of a step of GitHub Actions; see action_test.go.
	"step": cmdStep, "keep": cmdKeep, "told": cmdTold, "log": cmdLog, "summary": cmdSummary, "registries": cmdRegistries,
	// browser FILE: a person opens the login page that FILE names as soon as it does, and approves with the key.
	"browser": func(ts *testscript.TestScript, neg bool, args []string) {
		ts.Check(approve(ts.MkAbs(args[0]), ts.Getenv("KEY")))
	},
	// mode PERM FILE: the file has these permissions.
	"mode": func(ts *testscript.TestScript, neg bool, args []string) {
		st, err := os.Stat(ts.MkAbs(args[1]))
		ts.Check(err)
		if got := fmt.Sprintf("%04o", st.Mode().Perm()); got != args[0] {
			ts.Fatalf("%s has mode %s, not %s", args[1], got, args[0])
		}
	},
	// clean: nothing of regpass is left: no session, and no file that holds a token.
	"clean": func(ts *testscript.TestScript, neg bool, args []string) {
		left, err := filepath.Glob(filepath.Join(ts.Getenv("WORK"), "run", "*"))
		ts.Check(err)
		temporary, err := filepath.Glob(filepath.Join(ts.Getenv("TMPDIR"), "regpass*"))
		ts.Check(err)
		left = append(left, temporary...)
		if len(left) > 0 {
			ts.Fatalf("left behind: %s", left)
		}
		ts.Check(filepath.WalkDir(ts.Getenv("WORK"), func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || filepath.Base(path) == "key" || filepath.Base(path) == ".stderr" {
				return err
			}
			content, err := os.ReadFile(path)
			if err == nil && holdsToken(content) {
				ts.Fatalf("%s holds a token", path)
			}
			return err
		}))
	},
}

// expiredJWT ended in 1970.
const expiredJWT = "eyJhbGciOiJub25lIn0.eyJleHAiOjEwMDB9.c2ln"

// misbehaviour are the answers of hostile and broken servers.
var misbehaviour = map[string]http.Handler{
	"html":    answer(200, "text/html", "<html><body>Sign in</body></html>"),
	"empty":   answer(200, "application/json", "{}"),
	"blank":   answer(200, "application/json", `{"access_token":"","token":""}`),
	"newline": answer(200, "application/json", `{"access_token":"abc\ndef","token":"abc\ndef"}`),
	"short":   answer(200, "application/json", `{"access_token":"fifteen-letters","token":"fifteen-letters"}`),
	"expired": answer(200, "application/json", `{"access_token":"`+expiredJWT+`","token":"`+expiredJWT+`"}`),
	"big":     answer(200, "application/json", `{"access_token":"`+strings.Repeat("a", 10<<20)+`"}`),
	"long":    answer(200, "application/json", `{"access_token":"`+strings.Repeat("a", 600<<10)+`"}`),
	"command": answer(403, "application/problem+json",
		`{"title":"no","detail":"\n::stop-commands::x\n##[add-mask]y\n::error::z"}`),
	"absent": answer(404, "text/html", "not found"),
	"shared": answer(200, "application/json", `{"audience":"pyx"}`),
	"vso":    answer(200, "application/json", `{"access_token":"a##vso[task.setvariable_variable=PATH]/evil"}`),
	"colons": answer(200, "application/json", `{"access_token":"::stop-commands::evil"}`),
	"azure":  answer(403, "text/plain", "no ##vso[task.setvariable variable=PATH]/evil ##teamcity[x]"),
	"busy":   answer(503, "text/plain", "busy"),
	"hang":   http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }),
	"redirect": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://127.0.0.2:9/steal", http.StatusTemporaryRedirect)
	}),
	"echo": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "you sent "+r.Header.Get("Authorization")+" "+url.QueryEscape(r.Header.Get("Authorization")),
			http.StatusForbidden)
	}),
}

func answer(status int, kind, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

func fixtureOf(ts *testscript.TestScript) *fixture { return ts.Value(fixtureKey{}).(*fixture) }

func setAll(ts *testscript.TestScript, vars []string) {
	for _, kv := range vars {
		name, value, _ := strings.Cut(kv, "=")
		ts.Setenv(name, value)
	}
}

// tokenService starts one and returns the URL of its index and a key to it.
func tokenService(t *testing.T) (index, key string) {
	t.Helper()
	secret, sum := sts.NewKey()
	f := &fixture{service: &loopback.Handler{}, audit: &loopback.Buffer{}, minted: newMinted(), keySum: sum,
		wheels: t.TempDir(), channel: t.TempDir()}
	var err error
	if f.issuer, err = fake.NewIssuer("ES256"); err != nil {
		t.Fatal(err)
	}
	f.issuer.URL = "http://127.0.0.1:1" // nobody asks it
	if f.url, err = f.servers.Start(context.Background(), f.service); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.servers.Stop() })
	if err := f.serve(time.Hour); err != nil {
		t.Fatal(err)
	}
	return f.url + "/simple/acme/main", secret.Reveal()
}
