//go:build engines && linux

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cgi"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"
)

// flowCommands change the service while something is built.
var flowCommands = scriptCommands{
	// service-answers N STATUS PATH: the next N requests whose path matches PATH are answered with STATUS and no more;
	// 0: all.
	"service-answers": func(ts *testscript.TestScript, neg bool, args []string) {
		n, err := strconv.ParseInt(args[0], 10, 64)
		ts.Check(err)
		status, err := strconv.Atoi(args[1])
		ts.Check(err)
		path, err := regexp.Compile(args[2])
		ts.Check(err)
		s := fixtureOf(ts).service
		var had atomic.Int64
		chosen := func(r *http.Request) bool { return path.MatchString(r.URL.Path) && (had.Add(1) <= n || n == 0) }
		s.Set(instead(s.Current(), chosen, answer(status, "text/plain", http.StatusText(status))))
	},
	// service-down: nobody listens at $SERVICE any more.
	"service-down": func(ts *testscript.TestScript, neg bool, args []string) {
		ts.Check(fixtureOf(ts).servers[0].Close())
	},
	// git-server FOLDER: $SERVICE/git/ serves the repositories in FOLDER to whoever may read the index, as forges do
	// that have packages too.
	"git-server": func(ts *testscript.TestScript, neg bool, args []string) {
		s := fixtureOf(ts).service
		inner := s.Current()
		s.Set(instead(inner, func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/git/") },
			mayRead(inner, `Basic realm="git"`, &cgi.Handler{
				Path: ts.Getenv("GIT"), Args: []string{"http-backend"}, Root: "/git",
				Env: []string{"GIT_PROJECT_ROOT=" + ts.MkAbs(args[0]), "GIT_HTTP_EXPORT_ALL=1",
					"HOME=" + filepath.Dir(ts.MkAbs(args[0]))},
			})))
	},
	// image-registry basic|bearer: $SERVICE/v2/ is a container registry for whoever may read the index, as forges have one
	// too; HOST is its host. It takes the credential itself, or a token that is to be had for it and lives as long.
	"image-registry": func(ts *testscript.TestScript, neg bool, args []string) {
		s := fixtureOf(ts).service
		inner, images := s.Current(), emptyRegistry()
		challenge := `Basic realm="images"`
		if args[0] == "bearer" {
			challenge = fmt.Sprintf(`Bearer realm="%s/v2/token",service="images"`, ts.Getenv("SERVICE"))
		}
		s.Set(instead(inner, func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/v2/") },
			mayRead(inner, challenge, instead(images, func(r *http.Request) bool { return r.URL.Path == "/v2/token" },
				http.HandlerFunc(sameToken)))))
		ts.Setenv("HOST", strings.TrimPrefix(ts.Getenv("SERVICE"), "http://"))
	},
	// audit-from-here: audit-since counts from here on.
	"audit-from-here": func(ts *testscript.TestScript, neg bool, args []string) {
		ts.Setenv("AUDIT_FROM", strconv.Itoa(fixtureOf(ts).audit.Lines()))
	},
	// audit-since N REGEXP: as audit, of the lines that came since.
	"audit-since": func(ts *testscript.TestScript, neg bool, args []string) {
		from, err := strconv.Atoi(ts.Getenv("AUDIT_FROM"))
		ts.Check(err)
		want, err := strconv.Atoi(args[0])
		ts.Check(err)
		re, err := regexp.Compile(args[1])
		ts.Check(err)
		lines := strings.SplitAfter(fixtureOf(ts).audit.String(), "\n")[from:]
		got := 0
		for _, line := range lines {
			if re.MatchString(line) {
				got++
			}
		}
		if got != want {
			ts.Fatalf("%d new lines of the audit match %s, not %d:\n%s", got, args[1], want, strings.Join(lines, ""))
		}
	},
}

// sameToken gives out a registry's token, which is the one that was shown for it
// (https://distribution.github.io/distribution/spec/auth/token/).
func sameToken(w http.ResponseWriter, r *http.Request) {
	_, token, _ := r.BasicAuth()
	_ = json.NewEncoder(w).Encode(map[string]any{"token": token, "expires_in": 60})
}
