package sts_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/sts"
)

// These tests are about dependency confusion: a client that is told 404 asks the next index for the project, which may
// be a stranger's. testdata/clients/uv-confusion.txtar shows it with uv.

// TestUpstreamPages: only upstream's own 404 is one, and what is not an index is a failure.
func TestUpstreamPages(t *testing.T) {
	const mark = `<meta name="pypi:repository-version" content="1.0">`
	const v1 = "application/vnd.pypi.simple.v1+json"
	for _, test := range []struct {
		name, kind, page string
		status           int
	}{
		{"maintenance", "text/html", "<html><body><h1>We'll be back</h1></body></html>", 502},
		{"maintenance with links", "text/html", `<html><a href="/status">status</a> <a href="/x.zip">x.zip</a></html>`, 502},
		{"a login page", "text/html; charset=utf-8", `<form action="/login"><input name="password"></form>`, 502},
		{"another project's files", "text/html", `<a href="other-1.0.tar.gz">other-1.0.tar.gz</a>`, 502},
		{"another project's files, marked", "text/html", mark + `<a href="other-1.0.tar.gz">other-1.0.tar.gz</a>`, 502},
		{"a mark in a comment", "text/html", "<!-- " + mark + " -->", 502},
		{"nothing", "text/html", "", 502},
		{"no type", "", `<a href="demo-1.0.tar.gz">demo-1.0.tar.gz</a>`, 502},
		{"text", "text/plain", `<a href="demo-1.0.tar.gz">demo-1.0.tar.gz</a>`, 502},
		{"JSON of something else", "application/json", `{"message":"maintenance"}`, 502},
		{"JSON without files", v1, `{"meta":{"api-version":"1.1"},"name":"demo"}`, 502},
		{"JSON with null files", v1, `{"meta":{"api-version":"1.1"},"name":"demo","files":null}`, 502},
		{"JSON without meta", "application/json", `{"files":[]}`, 502},
		{"JSON with another project's files", v1,
			`{"meta":{"api-version":"1.1"},"files":[{"filename":"other-1.0.tar.gz","url":"x"}]}`, 502},
		{"HTML that says it is JSON", v1, "<html></html>", 502},
		{"a list", "application/json", `[]`, 502},
		{"null", "application/json", `null`, 502},
		// An index may know a project that has no files. Clients stop there.
		{"no files, marked", "text/html", "<!DOCTYPE html><html><head>" + mark + "</head></html>", 200},
		{"no files, XHTML", "application/xhtml+xml", "<head>" + strings.Replace(mark, ">", "/>", 1) + "</head>", 200},
		{"no files in JSON", v1, `{"meta":{"api-version":"1.1"},"name":"demo","files":[]}`, 200},
		{"eggs only, marked", "text/html", mark + `<a href="demo-1.0.egg">demo-1.0.egg</a>`, 200},
		{"a file without a mark", "text/html", `<a href="demo-1.0.tar.gz">demo-1.0.tar.gz</a>`, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBacking(t)
			b.page, b.pageType = test.page, test.kind
			fx := b.fixture(func(*sts.Index) {})
			h := bearer(fx.token(fx.dev))
			for range 2 { // the second may come from the cache
				fx.want(t, fx.do(ask{path: "/simple/acme/up/demo/", header: h}), test.status)
			}
			fx.want(t, fx.do(ask{path: "/simple/acme/up/unknown/", header: h}), 404)
		})
	}
}

// TestUpstreamPagesForFiles: a page of maintenance is not a package and not a channel's list of packages.
func TestUpstreamPagesForFiles(t *testing.T) {
	b := newBacking(t)
	b.page = links
	down := false
	real := b.index.Config.Handler
	b.index.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write([]byte("<html>We'll be back</html>"))
			return
		}
		real.ServeHTTP(w, r)
	})
	fx := b.fixture(func(*sts.Index) {})
	h := bearer(fx.token(fx.dev))
	paths := []string{"/simple/acme/up/demo/", "/files/acme/up/demo-1.0.tar.gz", "/conda/acme/up/noarch/repodata.json"}
	for _, path := range paths {
		fx.want(t, fx.do(ask{path: path, header: h}), 200)
	}
	down = true
	for _, path := range append(paths[1:], "/conda/acme/up/noarch/demo-1.0-0.conda", "/simple/acme/up/other/") {
		fx.want(t, fx.do(ask{path: path, header: h}), 502)
	}
	fx.want(t, fx.do(ask{path: "/conda/acme/up/noarch/index.html", header: h}), 200)
}

// TestReservedNames: where they are at home they are 403 if they are missing, and no upstream is asked for them.
func TestReservedNames(t *testing.T) {
	b := newBacking(t)
	b.page = links
	fx := b.fixture(func(x *sts.Index) { x.Reserved = []string{"Demo_*", "demo"} })
	fx.cfg.Indexes[0].Reserved = []string{"acme.*", "ac*private"}
	fx.cfg.Indexes = append(fx.cfg.Indexes, sts.Index{Workspace: "acme", Name: "public", Kind: sts.PyPI,
		Upstream: b.index.URL + "/simple"})
	fx.start(http.DefaultTransport)
	h := bearer(fx.token(fx.dev))
	for path, status := range map[string]int{
		"main/demo-pkg/": 403, "main/acme-lib/": 403, "main/acmeprivate/": 403, "main/acme/": 404, "main/lib-acme-x/": 404,
		"up/demo/": 200, "up/demo-other/": 403, "up/other/": 404, "up/acme-lib/": 403,
		"public/acme-lib/": 403, "public/demo/": 403,
	} {
		fx.want(t, fx.do(ask{path: "/simple/acme/" + path, header: h}), status)
	}
	fx.want(t, fx.do(ask{path: "/files/acme/public/demo-1.0.tar.gz", header: h}), 403)
	if seen := b.seen.String(); strings.Contains(seen, "acme") || strings.Count(seen, "/simple/demo/") != 1 {
		t.Errorf("upstream was asked for\n%s", seen)
	}
}

// TestReservedNamesOfFolders: whoever may publish to one index gives clients no package that is at home in another.
func TestReservedNamesOfFolders(t *testing.T) {
	fx := newFixture(t)
	own := filepath.Join(fx.dir, "own")
	must(t, os.Mkdir(own, 0o755))
	must(t, os.WriteFile(filepath.Join(own, newWheel), []byte(newText), 0o600))
	fx.cfg.Indexes = append(fx.cfg.Indexes, sts.Index{Workspace: "acme", Name: "own", Kind: sts.PyPI, Folder: own,
		Reserved: []string{"demo-*", "new-*"}})
	fx.start(http.DefaultTransport)
	token := fx.token(fx.dev)
	for path, status := range map[string]int{
		"/simple/acme/own/new-pkg/": 200, "/files/acme/own/" + newWheel: 200,
		"/simple/acme/main/new-pkg/": 403, project: 403, "/files/acme/main/" + wheelName: 403,
	} {
		fx.want(t, fx.do(ask{path: path, header: bearer(token)}), status)
	}
	fx.want(t, fx.upload(token, uploadPath, form{file: newWheel, text: newText}), 403)
	fx.want(t, fx.upload(token, uploadPath+"/validate",
		form{text: newText, over: map[string]string{"filename": newWheel}}), 403)
}

// TestWrongAddress: 404 is an answer about a project, never about the index.
func TestWrongAddress(t *testing.T) {
	fx := newFixture(t)
	h := bearer(fx.token(fx.dev))
	for path, status := range map[string]int{
		"/simple/acme/mian/demo-pkg/": 403, "/simple/acme/chan/demo-pkg/": 403, "/simple/acme/demo-pkg/": 403,
		"/simple/demo-pkg/": 400, "/simple/": 400, "/simple": 400, "/simple/acme/main/sub/demo-pkg/": 400,
		"/conda/acme/main/noarch/repodata.json": 403, "/conda/acme/noarch/repodata.json": 403,
		"/files/acme/mian/" + wheelName: 403, "/simple/acme/main/nothing/": 404,
		"/Simple/acme/main/demo-pkg/": 400, "/pypi/simple/acme/main/demo-pkg/": 400, "/acme/main/demo-pkg/": 400,
		"/demo-pkg/": 400, "/t/": 400,
	} {
		fx.want(t, fx.do(ask{path: path, header: h}), status)
	}
}

// TestEmptyFolder: a folder that is not mounted looks like one that is new, so neither has an answer.
func TestEmptyFolder(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, dir string){
		"emptied": func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, "pypi", wheelName)))
			must(t, os.Mkdir(filepath.Join(dir, "pypi", "lost+found"), 0o700))
			must(t, os.RemoveAll(filepath.Join(dir, "conda", "noarch")))
			must(t, os.RemoveAll(filepath.Join(dir, "conda", "linux-64")))
		},
		"moved away": func(t *testing.T, dir string) {
			for _, folder := range []string{"pypi", "conda"} {
				must(t, os.Rename(filepath.Join(dir, folder), filepath.Join(dir, folder+".old")))
			}
		},
		"another in its place": func(t *testing.T, dir string) {
			for _, folder := range []string{"pypi", "conda"} {
				must(t, os.Rename(filepath.Join(dir, folder), filepath.Join(dir, folder+".old")))
				must(t, os.Mkdir(filepath.Join(dir, folder), 0o755))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			fx := newFixture(t)
			h := bearer(fx.token(fx.dev))
			fx.want(t, fx.do(ask{path: project, header: h}), 200)
			fx.want(t, fx.do(ask{path: "/simple/acme/main/nothing/", header: h}), 404)
			fx.want(t, fx.do(ask{path: "/conda/acme/chan/osx-64/repodata.json", header: h}), 404)
			change(t, fx.dir)
			for _, path := range []string{project, "/simple/acme/main/nothing/", "/simple/acme/main/",
				"/files/acme/main/demo_pkg-2.0.tar.gz", "/conda/acme/chan/osx-64/repodata.json"} {
				got := fx.do(ask{path: path, header: h})
				if fx.want(t, got, 503); got.header.Get("Retry-After") == "" {
					t.Errorf("%s: no Retry-After", path)
				}
			}
			if name != "emptied" { // what would be uploaded there would be lost
				fx.want(t, fx.upload(fx.token(fx.dev), uploadPath, form{file: newWheel, text: newText}), 503)
			}
			if _, err := os.Stat(filepath.Join(fx.dir, "pypi")); err != nil {
				_, err := sts.New(t.Context(), fx.cfg, sts.Options{Env: &regpass.Env{Now: fx.clock.now, HTTP: http.DefaultClient}})
				if err == nil || !strings.Contains(err.Error(), "there is no folder") {
					t.Errorf("started without the folder: %v", err)
				}
				return
			}
			fx.start(http.DefaultTransport) // after a restart it is no better
			fx.want(t, fx.do(ask{path: project, header: h}), 503)
		})
	}
}

// TestNewFolder: where the operator says that a folder is meant to be empty, it is, until its first package.
func TestNewFolder(t *testing.T) {
	fx := newFixture(t)
	wheel, repodata := filepath.Join(fx.dir, "pypi", wheelName), filepath.Join(fx.dir, "conda", "noarch", "repodata.json")
	channel := "/conda/acme/chan/osx-64/repodata.json"
	must(t, os.Remove(wheel))
	must(t, os.Remove(repodata))
	h := bearer(fx.token(fx.dev))
	fx.want(t, fx.do(ask{path: project, header: h}), 503)
	fx.write("pypi/.empty", "")
	fx.write("conda/.empty", "")
	for _, path := range []string{project, channel} {
		fx.want(t, fx.do(ask{path: path, header: h}), 404)
	}
	fx.want(t, fx.do(ask{path: "/simple/acme/main/", header: h}), 200)
	fx.want(t, fx.upload(fx.token(fx.dev), uploadPath, form{file: newWheel, text: newText}), 200)
	fx.write("conda/noarch/repodata.json", "{}")
	for _, path := range []string{project, channel} {
		fx.want(t, fx.do(ask{path: path, header: h}), 404)
	}
	// What is emptied now is not new.
	must(t, os.Remove(filepath.Join(fx.dir, "pypi", newWheel)))
	must(t, os.Remove(repodata))
	for _, path := range []string{project, channel} {
		fx.want(t, fx.do(ask{path: path, header: h}), 503)
	}
}

// TestFirstUpload: an index that is empty takes its first package, and answers from then on.
func TestFirstUpload(t *testing.T) {
	fx := newFixture(t)
	must(t, os.Remove(filepath.Join(fx.dir, "pypi", wheelName)))
	token := fx.token(fx.dev)
	validate := form{text: newText, over: map[string]string{"filename": newWheel}}
	fx.want(t, fx.upload(token, uploadPath+"/validate", validate), 200)
	fx.want(t, fx.upload(token, uploadPath, form{file: newWheel, text: newText}), 200)
	fx.want(t, fx.do(ask{path: "/simple/acme/main/new-pkg/", header: bearer(token)}), 200)
	fx.want(t, fx.do(ask{path: project, header: bearer(token)}), 404)
}
