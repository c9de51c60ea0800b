package fake_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/regpass/regpass/internal/fake"
)

// toyIdentity is an identity that nobody verifies.
func toyIdentity(t *testing.T, audience, jti string) string {
	t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256,
		jwt.MapClaims{"aud": audience, "jti": jti}).SignedString([]byte("toy"))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// ask sends one request; headers are "Name: value".
func ask(server http.Handler, method, path, body string, headers ...string) (status int, answer map[string]any,
	raw string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	_ = json.Unmarshal(w.Body.Bytes(), &answer)
	return w.Code, answer, w.Body.String()
}

func TestPyxEndpoints(t *testing.T) {
	p := fake.NewPyx(time.Now)
	const session = "/auth/cli/status/01234567-89ab-4cde-8f01-23456789abcd"
	token := func(audience string) string { return `{"token":"` + toyIdentity(t, audience, audience) + `"}` }
	refresh := p.Issue()
	for _, test := range []struct {
		method, path, body string
		headers            []string
		status             int
		field              string // that the answer has
	}{
		{"POST", "/auth/cli/access-token", "", []string{"Authorization: Bearer " + p.Key}, 200, "access_token"},
		{"POST", "/auth/cli/access-token", "", []string{"Authorization: Bearer wrong"}, 401, "title"},
		{"POST", "/auth/cli/refresh", `{"refresh_token":"` + refresh + `"}`, nil, 200, "refresh_token"},
		{"POST", "/auth/cli/refresh", `{"refresh_token":"` + refresh + `"}`, nil, 401, "detail"},
		{"GET", session, "", nil, 404, "title"},
		{"GET", "/auth/cli/login/01234567-89ab-4cde-8f01-23456789abcd", "", nil, 200, ""},
		{"GET", session, "", nil, 200, "access_token"},
		{"GET", session, "", nil, 404, "title"},
		{"GET", "/auth/cli/logout", "", []string{"Authorization: Bearer unknown"}, 401, "title"},
		{"GET", "/v1/trusted-publishing/audience", "", nil, 200, "audience"},
		{"POST", "/v1/trusted-publishing/acme/main/mint-token", token("pyx"), nil, 200, "expires"},
		{"POST", "/v1/trusted-publishing/acme/main/mint-token", token("pyx"), nil, 422, "detail"}, // used
		{"POST", "/v1/trusted-access/acme/mint-token", token("pyx:trusted-access"), nil, 200, "token"},
	} {
		status, answer, raw := ask(p, test.method, test.path, test.body, test.headers...)
		if status != test.status || test.field != "" && answer[test.field] == nil {
			t.Errorf("%s %s: %d %s, want %d with %s", test.method, test.path, status, raw, test.status, test.field)
		}
	}
	if wrong := p.Wrong(); len(wrong) > 0 {
		t.Errorf("right requests were remembered as wrong: %q", wrong)
	}
}

func TestPyxEndsTokens(t *testing.T) {
	p := fake.NewPyx(time.Now)
	_, answer, _ := ask(p, "POST", "/auth/cli/access-token", "", "Authorization: Bearer "+p.Key)
	token, _ := answer["access_token"].(string)
	for _, want := range []int{http.StatusNoContent, http.StatusUnauthorized} {
		if status, _, _ := ask(p, "GET", "/auth/cli/logout", "", "Authorization: Bearer "+token); status != want ||
			p.Live(token) {
			t.Errorf("%d, want %d", status, want)
		}
	}
}

func TestPyxIsStrict(t *testing.T) {
	identity := `{"token":"` + toyIdentity(t, "pyx", "1") + `"}`
	for _, test := range []struct {
		method, path, body string
		headers            []string
		status             int
	}{
		{"GET", "/", "", nil, 404},
		{"GET", "/auth/cli/access-token", "", nil, 404},
		{"POST", "/auth/cli/access-token/", "", nil, 404},
		{"POST", "/prefix/auth/cli/access-token", "", nil, 404},
		{"POST", "/auth/cli/access-token", "{}", nil, 400},
		{"POST", "/auth/cli/access-token", "", []string{"Content-Type: application/json"}, 400},
		{"POST", "/auth/cli/refresh", "refresh_token=a", nil, 422},
		{"POST", "/auth/cli/refresh", `{"refresh_token":"a","more":1}`, nil, 422},
		{"POST", "/auth/cli/refresh", `{"refresh_token":"a"}`, []string{"Authorization: Bearer a"}, 400},
		{"POST", "/auth/cli/refresh?refresh_token=a", `{"refresh_token":"a"}`, nil, 400},
		{"GET", "/auth/cli/login/1", "", nil, 404},
		{"GET", "/auth/cli/status/1", "", nil, 400},
		{"POST", "/v1/trusted-publishing/audience", "", nil, 404},
		{"POST", "/v1/trusted-publishing/acme/main/mint-token", `{"token":"opaque"}`, nil, 422},
		{"POST", "/v1/trusted-publishing/acme/mint-token", identity, nil, 404},
		{"POST", "/v1/trusted-access/acme/mint-token", identity, nil, 403}, // audience
	} {
		p := fake.NewPyx(time.Now)
		status, _, raw := ask(p, test.method, test.path, test.body, test.headers...)
		if status != test.status || len(p.Wrong()) != 1 {
			t.Errorf("%s %s: %d %s, want %d; wrong %q", test.method, test.path, status, raw, test.status, p.Wrong())
		}
	}
}

func TestPyxPending(t *testing.T) {
	p := fake.NewPyx(time.Now)
	p.Pending = 2
	ask(p, "GET", "/auth/cli/login/01234567-89ab-4cde-8f01-23456789abcd", "")
	for _, want := range []int{404, 404, 200} {
		if status, _, _ := ask(p, "GET", "/auth/cli/status/01234567-89ab-4cde-8f01-23456789abcd", ""); status != want {
			t.Errorf("%d, want %d", status, want)
		}
	}
}

func TestInstead(t *testing.T) {
	p := fake.NewPyx(time.Now)
	p.Instead(
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		nil,
		func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
	)
	for _, want := range []string{"503 ", `200 {"audience":"pyx"}`, "200 <html>", `200 {"audience":"pyx"}`} {
		status, _, raw := ask(p, "GET", "/v1/trusted-publishing/audience", "")
		if got := fmt.Sprintf("%d %s", status, strings.TrimSpace(raw)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if want := slices.Repeat([]string{"GET /v1/trusted-publishing/audience"}, 4); !slices.Equal(p.Asked(), want) {
		t.Errorf("asked %q", p.Asked())
	}
}
