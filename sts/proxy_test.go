package sts_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/sts"
)

// backing is an upstream that wants its own credential, and a place for files that wants none.
type backing struct {
	t            *testing.T
	index, files *httptest.Server
	page         string // %s is the address of files
	pageType     string
	password     string
	seen         *lockedBuffer // Authorization and path of each request
}

func newBacking(t *testing.T) *backing {
	t.Helper()
	b := &backing{t: t, pageType: "text/html", password: "upstream-password", seen: &lockedBuffer{}}
	b.files = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(b.seen, "files %s %q\n", r.URL.Path, r.Header.Get("Authorization"))
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader("content of "+r.URL.Path))
	}))
	t.Cleanup(b.files.Close)
	b.index = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(b.seen, "index %s %q\n", r.URL.Path, r.Header.Get("Authorization"))
		if _, got, _ := r.BasicAuth(); got != b.password && r.Header.Get("Authorization") != "Bearer "+b.password {
			http.Error(w, "who are you", http.StatusUnauthorized)
			return
		}
		switch r.URL.Path {
		case "/simple/demo/":
			w.Header().Set("Content-Type", b.pageType)
			fmt.Fprint(w, strings.ReplaceAll(b.page, "%s", b.files.URL))
		case "/own/demo-1.0.tar.gz":
			fmt.Fprint(w, "content of upstream's own")
		case "/moved/demo-2.0.tar.gz":
			http.Redirect(w, r, b.files.URL+"/demo-2.0.tar.gz", http.StatusFound)
		case "/round/demo-3.0.tar.gz":
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		case "/chan/noarch/repodata.json":
			fmt.Fprint(w, "{}")
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(b.index.Close)
	return b
}

// fixture has b behind acme/up; change may change that index.
func (b *backing) fixture(change func(*sts.Index)) *fixture {
	b.t.Helper()
	token := filepath.Join(b.t.TempDir(), "token")
	must(b.t, os.WriteFile(token, []byte(b.password+"\n"), 0o600))
	x := sts.Index{Workspace: "acme", Name: "up", Kind: sts.PyPI, Upstream: b.index.URL + "/simple/",
		UpstreamTokenFile: token, UpstreamUsername: "__token__",
		UpstreamHosts: []string{strings.TrimPrefix(b.files.URL, "http://")}}
	change(&x)
	fx := newFixture(b.t, func(c *sts.Config) {
		c.Indexes = append(c.Indexes, x, sts.Index{Workspace: "acme", Name: "up", Kind: sts.Conda,
			Upstream: b.index.URL + "/chan", UpstreamTokenFile: token})
	})
	fx.secrets = append(fx.secrets, regpass.NewSecret(b.password))
	return fx
}

const links = `<html><body>
<a href="../../own/demo-1.0.tar.gz#sha256=AA" data-requires-python="&gt;=3.9">demo-1.0.tar.gz</a>
<A HREF='../../moved/demo-2.0.tar.gz#sha256=1111111111111111111111111111111111111111111111111111111111111111'
data-yanked="<broken>">demo-2.0.tar.gz</A>
<a href="../../round/demo-3.0.tar.gz">demo-3.0.tar.gz</a>
<a href="%s/demo-4.0.tar.gz">demo-4.0.tar.gz</a>
<a href="http://169.254.169.254/demo-5.0.tar.gz">demo-5.0.tar.gz</a>
<a href="../../own/other-1.0.tar.gz">other-1.0.tar.gz</a>
<a href="../../own/demo-1.0.egg">demo-1.0.egg</a>
</body></html>`

func TestUpstream(t *testing.T) {
	b := newBacking(t)
	b.page = links
	fx := b.fixture(func(*sts.Index) {})
	token := fx.token(fx.dev)
	h := with(bearer(token), "Accept", pipAccept)

	got := fx.do(ask{path: "/simple/acme/up/demo/", header: h})
	fx.want(t, got, 200)
	for _, part := range []string{`"requires-python":"\u003e=3.9"`, `"yanked":"\u003cbroken\u003e"`, `"sha256":"11111111`,
		`"url":"../../../../files/acme/up/demo-4.0.tar.gz"`, `"api-version":"1.0"`} {
		if !strings.Contains(got.body, part) {
			t.Errorf("the page has no %s: %s", part, got.body)
		}
	}
	for _, part := range []string{"egg", "other", b.index.URL, b.files.URL, "AA"} {
		if strings.Contains(got.body, part) {
			t.Errorf("the page has %s: %s", part, got.body)
		}
	}
	html := fx.do(ask{path: "/simple/acme/up/demo/", header: bearer(token)})
	if fx.want(t, html, 200); !strings.Contains(html.body, `data-requires-python="&gt;=3.9"`) ||
		!strings.Contains(html.body, `data-yanked="&lt;broken&gt;"`) {
		t.Errorf("page:\n%s", html.body)
	}

	for file, want := range map[string]struct {
		status int
		body   string
	}{
		"demo-1.0.tar.gz":  {200, "content of upstream's own"},
		"demo-2.0.tar.gz":  {200, "content of /demo-2.0.tar.gz"},
		"demo-3.0.tar.gz":  {502, ""},
		"demo-4.0.tar.gz":  {200, "content of /demo-4.0.tar.gz"},
		"demo-5.0.tar.gz":  {502, ""}, // not ours to ask
		"demo-6.0.tar.gz":  {404, ""},
		"other-1.0.tar.gz": {404, ""},
	} {
		got := fx.do(ask{path: "/files/acme/up/" + file, header: h})
		fx.want(t, got, want.status)
		if want.body != "" && got.body != want.body {
			t.Errorf("%s: %q", file, got.body)
		}
	}
	part := fx.do(ask{path: "/files/acme/up/demo-4.0.tar.gz", header: with(h, "Range", "bytes=0-6")})
	if fx.want(t, part, 206); part.body != "content" || part.header.Get("Content-Range") == "" {
		t.Errorf("part %q, %v", part.body, part.header)
	}
	fx.want(t, fx.do(ask{path: "/simple/acme/up/nothing/", header: h}), 404)
	fx.want(t, fx.do(ask{path: "/conda/acme/up/noarch/repodata.json", header: h}), 200)
	fx.want(t, fx.do(ask{path: "/conda/acme/up/noarch/nothing.json", header: h}), 404)
	fx.want(t, fx.do(ask{path: "/simple/acme/up/demo/"}), 401)

	seen := b.seen.String()
	if strings.Contains(seen, token.Reveal()) {
		t.Error("upstream saw the client's token")
	}
	for line := range strings.Lines(seen) {
		if strings.HasPrefix(line, "files") && !strings.HasSuffix(line, "\"\"\n") {
			t.Errorf("another host saw a credential: %s", line)
		}
	}
}

// TestUpstreamPaths: a client of a channel reaches nothing else of its upstream.
func TestUpstreamPaths(t *testing.T) {
	b := newBacking(t)
	fx := b.fixture(func(*sts.Index) {})
	h := bearer(fx.token(fx.dev))
	for _, path := range []string{
		"%252e%252e/private", "noarch/%252e%252e/%252e%252e/private", "noarch/..%252f..%252fprivate", "noarch/%252fprivate",
		"noarch/%25zz", "noarch/%2525%32%65%2525%32%65/private",
	} {
		fx.want(t, fx.do(ask{path: "/conda/acme/up/" + path, header: h}), 400)
	}
	if seen := b.seen.String(); seen != "" {
		t.Errorf("upstream saw\n%s", seen)
	}
}

func TestUpstreamJSON(t *testing.T) {
	b := newBacking(t)
	b.pageType = "application/vnd.pypi.simple.v1+json"
	b.page = `{"meta":{"api-version":"1.1"},"name":"demo","files":[
		{"filename":"demo-4.0.tar.gz","url":"%s/demo-4.0.tar.gz","hashes":{"sha256":"x","md5":"y"},"size":7,
			"upload-time":"2026-01-02T03:04:05.678Z","yanked":true},
		{"filename":"demo-5.0.tar.gz","url":"://","hashes":{},"yanked":{"a":1},
			"upload-time":"yesterday","requires-python":null}]}`
	fx := b.fixture(func(*sts.Index) {})
	got := fx.do(ask{path: "/simple/acme/up/demo/", header: with(bearer(fx.token(fx.dev)), "Accept", uvAccept)})
	fx.want(t, got, 200)
	want := `{"files":[{"filename":"demo-4.0.tar.gz","hashes":{},"size":7,"upload-time":"2026-01-02T03:04:05.678000Z",` +
		`"url":"../../../../files/acme/up/demo-4.0.tar.gz","yanked":true}],` +
		`"meta":{"api-version":"1.1"},"name":"demo","versions":["4.0"]}`
	if got.body != want {
		t.Errorf("page %s", got.body)
	}
}

func TestUpstreamFails(t *testing.T) {
	b := newBacking(t)
	b.page, b.pageType = "{", "application/json"
	fx := b.fixture(func(*sts.Index) {})
	h := bearer(fx.token(fx.dev))
	fx.want(t, fx.do(ask{path: "/simple/acme/up/demo/", header: h}), 502)

	b.password = "changed-at-upstream" // upstream's 401 is not the client's
	fx.want(t, fx.do(ask{path: "/simple/acme/up/demo/", header: h}), 502)
	fx.want(t, fx.do(ask{path: "/conda/acme/up/noarch/repodata.json", header: h}), 502)
	if !strings.Contains(fx.audit.String(), "the upstream index answered 401") {
		t.Errorf("audit:\n%s", fx.audit)
	}

	b.index.Close()
	fx.want(t, fx.do(ask{path: "/simple/acme/up/demo/", header: h}), 502)
}

// TestUpstreamTokenIsReadAgain: a file that something else keeps fresh.
func TestUpstreamTokenIsReadAgain(t *testing.T) {
	b := newBacking(t)
	b.page = links
	path := ""
	fx := b.fixture(func(x *sts.Index) { path = x.UpstreamTokenFile; x.UpstreamUsername = "" })
	b.password = "the-next-password"
	must(t, os.WriteFile(path, []byte(b.password), 0o600))
	fx.want(t, fx.do(ask{path: "/simple/acme/up/demo/", header: bearer(fx.token(fx.dev))}), 200)
}

// TestSlowUpstream: one who asks for many pages that do not come does not keep others from theirs.
func TestSlowUpstream(t *testing.T) {
	b := newBacking(t)
	b.page = links
	asked, release := make(chan struct{}, 100), make(chan struct{})
	real := b.index.Config.Handler
	b.index.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/simple/slow") {
			asked <- struct{}{}
			<-release
		}
		real.ServeHTTP(w, r)
	})
	fx := b.fixture(func(*sts.Index) {})
	slow, quick := bearer(fx.token(fx.reader)), bearer(fx.token(fx.dev))
	ended := make(chan int, 40)
	for i := range cap(ended) {
		go func() { ended <- fx.do(ask{path: fmt.Sprintf("/simple/acme/up/slow%d/", i), header: slow}).status }()
	}
	for range 16 {
		<-asked
	}
	fx.want(t, fx.do(ask{path: "/simple/acme/up/demo/", header: quick}), 200)
	if n := len(asked); n != 0 {
		t.Errorf("%d more pages were asked for", n)
	}
	close(release)
	for range cap(ended) {
		if status := <-ended; status != 404 {
			t.Errorf("status %d", status)
		}
	}
}

// unread is a client that reads nothing of what it is sent until it is released.
type unread struct {
	*httptest.ResponseRecorder
	begun   chan<- struct{}
	release <-chan struct{}
}

func (u unread) Write(p []byte) (int, error) {
	u.begun <- struct{}{}
	<-u.release
	return u.ResponseRecorder.Write(p)
}

// TestUnreadPages: clients that read nothing hold few long pages in memory, and hold up nobody else.
func TestUnreadPages(t *testing.T) {
	b := newBacking(t)
	b.page = links + strings.Repeat(" ", 1<<20)
	fx := b.fixture(func(*sts.Index) {})
	const path = "/simple/acme/up/demo/"
	begun, release := make(chan struct{}, 100), make(chan struct{})
	slow, reader := fx.token(fx.dev), fx.token(fx.reader)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
			r.Header = bearer(slow)
			fx.handler.ServeHTTP(unread{httptest.NewRecorder(), begun, release}, r)
		})
	}
	for range 16 {
		<-begun
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, http.NoBody)
	r.Header = bearer(slow)
	rec := httptest.NewRecorder()
	if fx.handler.ServeHTTP(rec, r); rec.Code != http.StatusServiceUnavailable {
		t.Errorf("one more page is sent: %d", rec.Code)
	}
	fx.want(t, fx.do(ask{path: path, header: bearer(reader)}), 200)
	close(release)
	all.Wait()
	fx.want(t, fx.do(ask{path: path, header: bearer(slow)}), 200)
}
