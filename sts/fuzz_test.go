package sts_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/regpass/regpass"
)

// open are the places that answer without a credential.
var open = map[string]bool{"/healthz": true, "/.well-known/jwks.json": true, "/.well-known/openid-configuration": true,
	"/v1/trusted-publishing/audience": true, "/.well-known/regpass": true}

// FuzzRequests sends anything to the handler. Without a credential nothing but what is public succeeds; with one,
// nothing outside the token's workspace comes out. Nothing makes the service fail.
func FuzzRequests(f *testing.F) {
	fx := newFixture(f)
	token := fx.token(fx.reader)
	kind, body := form{file: newWheel, text: newText}.encode(f)
	for _, path := range []string{"/simple/acme/main/demo-pkg/", "/simple/acme/main", "/files/acme/main/" + wheelName,
		"/files/beta/main/secret_pkg-1.0-py3-none-any.whl",
		"/conda/acme/chan/noarch/repodata.json", "/conda/acme/chan/..%2f..%2foutside.txt", "/t/x/simple/acme/main/", "/t//",
		"/auth/cli/logout", "/healthz",
		"/auth/cli/login/" + loginID, "/auth/cli/status/" + loginID, "//", "/%zz", "/.well-known/jwks.json"} {
		f.Add("GET", path, "Bearer x", "text/html", "", false)
		f.Add("GET", path, "", uvAccept, "", true)
	}
	for _, path := range []string{"/auth/cli/access-token", "/auth/cli/refresh", publishPath, accessPath, uploadPath,
		uploadPath + "/validate", "/auth/cli/login/" + loginID} {
		f.Add("POST", path, "Basic OmE=", kind, body, false)
		f.Add("POST", path, "", "application/x-www-form-urlencoded",
			`{"token":"e30.eyJpc3MiOiJ4In0.x","refresh_token":"rt-regpass-AAAA"}`, true)
	}
	f.Fuzz(func(t *testing.T, method, path, authorization, header, body string, authorized bool) {
		u, err := url.Parse(path)
		if err != nil || !strings.HasPrefix(path, "/") || method == "" {
			return
		}
		r := httptest.NewRequest(http.MethodGet, "/", strings.NewReader(body))
		r.Method, r.URL = method, u
		r.Header = http.Header{"Accept": {header}, "Content-Type": {header}, "Range": {header}}
		if authorization != "" {
			r.Header["Authorization"] = []string{authorization}
		}
		if authorized {
			r.Header = with(r.Header, "Authorization", bearer(token)["Authorization"][0])
		}
		rec := httptest.NewRecorder()
		fx.handler.ServeHTTP(rec, r)
		if rec.Code >= 500 {
			t.Errorf("%s %s: %d %s", method, path, rec.Code, rec.Body)
		}
		plain := strings.TrimPrefix(u.Path, "/t/")
		if i := strings.IndexByte(plain, '/'); plain != u.Path && i >= 0 {
			plain = plain[i:]
		}
		page := strings.HasPrefix(plain, "/auth/cli/login/") && rec.Header().Get("Content-Type") == "text/html; charset=utf-8"
		if rec.Code < 400 && !authorized && !open[plain] && !page {
			t.Errorf("%s %s: %d without a credential: %s", method, path, rec.Code, rec.Body)
		}
		for _, s := range []string{foreignText, "outside the folders", "PRIVATE KEY"} {
			if strings.Contains(rec.Body.String(), s) {
				t.Errorf("%s %s gives away %q", method, path, s)
			}
		}
		if rec.Code >= 400 && shows(rec, token) {
			t.Errorf("%s %s shows the token", method, path)
		}
	})
}

// shows reports whether an answer holds a token.
func shows(rec *httptest.ResponseRecorder, token regpass.Secret) bool {
	all := rec.Body.String()
	for _, v := range rec.Header() {
		all += strings.Join(v, " ")
	}
	return strings.Contains(all, token.Reveal())
}
