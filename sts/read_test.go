package sts_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	uvAccept = "application/vnd.pyx.simple.v1+msgpack, application/vnd.pyx.simple.v1+json;q=0.9, " +
		"application/vnd.pypi.simple.v1+json;q=0.8, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
	pipAccept = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"
)

func TestNegotiation(t *testing.T) {
	fx := newFixture(t)
	h := bearer(fx.token(fx.dev))
	for accept, want := range map[string]string{
		uvAccept:    "application/vnd.pypi.simple.v1+json",
		pipAccept:   "application/vnd.pypi.simple.v1+json",
		"text/html": "text/html; charset=utf-8",
		"*/*":       "text/html; charset=utf-8",
		"":          "text/html; charset=utf-8",
		"application/vnd.pypi.simple.latest+json, */*;q=0.1":                          "application/vnd.pypi.simple.v1+json",
		"application/vnd.pypi.simple.v1+html":                                         "application/vnd.pypi.simple.v1+html",
		"text/html;q=0.9, application/vnd.pypi.simple.v1+json;q=0.1":                  "text/html; charset=utf-8",
		"application/vnd.pypi.simple.v1+json;q=0, text/html;q=0.1":                    "text/html; charset=utf-8",
		"application/vnd.pypi.simple.v1+json;q=nan, application/json;q=1, text/*;q=1": "text/html; charset=utf-8",
		"application/json": "",
		"text/html;q=0":    "",
		"nonsense/":        "",
	} {
		got := fx.do(ask{path: project, header: with(h, "Accept", accept)})
		if want == "" {
			fx.want(t, got, 406)
			continue
		}
		fx.want(t, got, 200)
		if got.header.Get("Content-Type") != want {
			t.Errorf("%q: got %s", accept, got.header.Get("Content-Type"))
		}
	}
}

func TestSimple(t *testing.T) {
	fx := newFixture(t)
	h := bearer(fx.token(fx.reader))
	sum := sha256.Sum256([]byte(wheelText))
	digest := hex.EncodeToString(sum[:])

	got := fx.do(ask{path: project, header: with(h, "Accept", uvAccept)})
	fx.want(t, got, 200)
	var page struct {
		Meta     map[string]string
		Name     string
		Versions []string
		Files    []struct {
			Filename, URL string
			Hashes        map[string]string
			Size          int
		}
	}
	must(t, json.Unmarshal([]byte(got.body), &page))
	if page.Meta["api-version"] != "1.1" || page.Name != "demo-pkg" || len(page.Versions) != 1 ||
		page.Versions[0] != "1.0" || len(page.Files) != 1 {
		t.Fatalf("page %+v", page)
	}
	file := page.Files[0]
	if file.Filename != wheelName || file.Hashes["sha256"] != digest || file.Size != len(wheelText) ||
		file.URL != "../../../../files/acme/main/"+wheelName {
		t.Errorf("file %+v", file)
	}

	got = fx.do(ask{path: project, header: with(h, "Accept", "text/html")})
	fx.want(t, got, 200)
	if !strings.Contains(got.body,
		`<a href="../../../../files/acme/main/`+wheelName+`#sha256=`+digest+`">`+wheelName+`</a>`) {
		t.Errorf("page:\n%s", got.body)
	}

	got = fx.do(ask{path: "/simple/acme/main/", header: with(h, "Accept", pipAccept)})
	fx.want(t, got, 200)
	if got.body != `{"meta":{"api-version":"1.0"},"projects":[{"name":"demo-pkg"}]}` {
		t.Errorf("list: %s", got.body)
	}
	got = fx.do(ask{path: "/simple/acme/main/", header: h})
	fx.want(t, got, 200)
	if !strings.Contains(got.body, `<a href="demo-pkg/">demo-pkg</a>`) {
		t.Errorf("list:\n%s", got.body)
	}
	fx.want(t, fx.do(ask{path: "/simple/acme/main/nothing/", header: h}), 404)

	for path, location := range map[string]string{
		"/simple/acme/main/Demo__Pkg/": "../demo-pkg/",
		"/simple/acme/main/Demo.Pkg":   "demo-pkg/",
		"/simple/acme/main":            "main/",
	} {
		got := fx.do(ask{path: "/t/" + fx.token(fx.dev).Reveal() + path})
		if fx.want(t, got, 301); got.header.Get("Location") != location {
			t.Errorf("%s leads to %s", path, got.header.Get("Location"))
		}
		fx.want(t, fx.do(ask{path: path}), 401)
	}

	// A file that is new is seen, a link out of the folder is not, and a name that is not a package's is not.
	fx.write("pypi/demo_pkg-2.0.tar.gz", "an sdist")
	fx.write("pypi/<b>-1.0.tar.gz", "no package")
	must(t, os.Symlink(filepath.Join(fx.dir, "outside.txt"), filepath.Join(fx.dir, "pypi", "demo_pkg-3.0.tar.gz")))
	got = fx.do(ask{path: project, header: h})
	if fx.want(t, got, 200); !strings.Contains(got.body, "demo_pkg-2.0.tar.gz") ||
		strings.Contains(got.body, "demo_pkg-3.0.tar.gz") {
		t.Errorf("page:\n%s", got.body)
	}
}

func TestFiles(t *testing.T) {
	fx := newFixture(t)
	h := bearer(fx.token(fx.reader))
	path := "/files/acme/main/" + wheelName
	got := fx.do(ask{path: path, header: h})
	if fx.want(t, got, 200); got.body != wheelText || got.header.Get("X-Content-Type-Options") != "nosniff" ||
		got.header.Get("Cache-Control") != "private, no-cache" {
		t.Errorf("got %q with %v", got.body, got.header)
	}
	if line := fx.lastAudit(); line["object"] != wheelName || line["subject"] != "key:reader" ||
		line["decision"] != "allow" {
		t.Errorf("audit: %v", line)
	}
	part := fx.do(ask{path: path, header: with(h, "Range", "bytes=0-2")})
	if fx.want(t, part, 206); part.body != wheelText[:3] {
		t.Errorf("got %q", part.body)
	}
	fx.want(t, fx.do(ask{path: path, header: with(h, "If-None-Match", got.header.Get("Etag"))}), 304)
	head := fx.do(ask{method: "HEAD", path: path, header: h})
	if fx.want(t, head, 200); head.body != "" {
		t.Errorf("HEAD has the body %q", head.body)
	}
	fx.want(t, fx.do(ask{method: "DELETE", path: path, header: h}), 405)
	fx.want(t, fx.do(ask{path: strings.Replace(path, "demo_pkg", "demo%5Fpkg", 1), header: h}), 200)
}

func TestConda(t *testing.T) {
	fx := newFixture(t)
	h := bearer(fx.token(fx.reader))
	for path, mime := range map[string]string{
		"noarch/repodata.json":      "application/json",
		"linux-64/demo-1.0-0.conda": "application/octet-stream",
	} {
		got := fx.do(ask{path: "/conda/acme/chan/" + path, header: h})
		if fx.want(t, got, 200); got.header.Get("Content-Type") != mime {
			t.Errorf("%s is %s", path, got.header.Get("Content-Type"))
		}
	}
	for _, path := range []string{"", "noarch", "noarch/", "noarch/repodata.json.zst", "a/b/c/d/e", "noarch/.hidden"} {
		fx.want(t, fx.do(ask{path: "/conda/acme/chan/" + path, header: h}), 404)
	}
}

// TestOtherWorkspaces: one that is not the token's is answered like one that does not exist.
func TestOtherWorkspaces(t *testing.T) {
	fx := newFixture(t)
	h := bearer(fx.token(fx.dev))
	for _, path := range []string{"/simple/%s/main/secret-pkg/", "/simple/%s/main/", "/simple/%s/main",
		"/files/%s/main/secret_pkg-1.0-py3-none-any.whl",
		"/conda/%s/main/noarch/repodata.json"} {
		beta := fx.do(ask{path: strings.ReplaceAll(path, "%s", "beta"), header: h})
		none := fx.do(ask{path: strings.ReplaceAll(path, "%s", "none"), header: h})
		fx.want(t, beta, 403)
		if beta.body != none.body || beta.status != none.status {
			t.Errorf("%s tells workspaces apart: %s %s", path, beta.body, none.body)
		}
	}
	fx.want(t, fx.do(ask{path: "/simple/beta/main/secret-pkg/", header: bearer(fx.token(fx.other))}), 200)
}

func TestOutsideTheFolder(t *testing.T) {
	fx := newFixture(t)
	out := filepath.Join(fx.dir, "outside.txt")
	for _, link := range []string{"pypi/link-1.0.tar.gz", "conda/noarch/link.json"} {
		must(t, os.Symlink(out, filepath.Join(fx.dir, link)))
	}
	must(t, os.Symlink(fx.dir, filepath.Join(fx.dir, "conda", "up")))
	must(t, os.Symlink("../../../outside.txt", filepath.Join(fx.dir, "conda/noarch/relative.json")))
	h := bearer(fx.token(fx.dev))
	for _, path := range []string{
		"/files/acme/main/../../../outside.txt", "/files/acme/main/..%2f..%2foutside.txt",
		"/files/acme/main/%2e%2e/outside.txt",
		"/files/acme/main/..%5coutside.txt", "/files/acme/main/link-1.0.tar.gz",
		"/files/acme/main/demo_pkg-1.0-py3-none-any.whl%00",
		"/files/acme/main/../../beta/main/secret_pkg-1.0-py3-none-any.whl", "/files/acme/main//" + wheelName,
		"/conda/acme/chan/../outside.txt", "/conda/acme/chan/noarch/..%2f..%2foutside.txt",
		"/conda/acme/chan/noarch/link.json",
		"/conda/acme/chan/noarch/relative.json", "/conda/acme/chan/up/outside.txt", "/conda/acme/chan/%2e%2e/outside.txt",
		"/conda/acme/chan/noarch/%c0%ae%c0%ae",
		"/conda/acme/chan/" + strings.Repeat("a", 300), "/conda/acme%2fchan/noarch/repodata.json", "/simple/acme/main/..%2f/",
	} {
		got := fx.do(ask{path: path, header: h})
		if got.status != 400 && got.status != 404 || strings.Contains(got.body, "outside") ||
			strings.Contains(got.body, foreignText) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

func TestPublicPlaces(t *testing.T) {
	fx := newFixture(t)
	fx.want(t, fx.do(ask{path: "/healthz"}), 200)
	got := fx.do(ask{path: "/.well-known/openid-configuration"})
	if fx.want(t, got, 200); !strings.Contains(got.body, `"jwks_uri":"`+origin+`/.well-known/jwks.json"`) {
		t.Errorf("discovery: %s", got.body)
	}
	got = fx.do(ask{path: "/.well-known/jwks.json"})
	if fx.want(t, got, 200); !strings.Contains(got.body, `"crv":"Ed25519"`) || strings.Contains(got.body, `"d"`) {
		t.Errorf("keys: %s", got.body)
	}
	got = fx.do(ask{path: "/.well-known/regpass"})
	if fx.want(t, got, 200); strings.TrimSpace(got.body) != `{"service":"regpass serve","type":"pyx"}` {
		t.Errorf("what it is: %s", got.body)
	}
	if fx.audit.String() != "" {
		t.Errorf("nothing was decided, but the audit says\n%s", fx.audit)
	}
	fx.want(t, fx.do(ask{path: "/nothing"}), 404)
	fx.want(t, fx.do(ask{method: http.MethodPost, path: "/healthz"}), 405)
}
