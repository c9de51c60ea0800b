package sts_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
)

const loginID = "0b0f5a5e-7c3f-4d53-9b4d-0f6c1c3a9e11"

func (fx *fixture) approve(key regpass.Secret, header http.Header) reply {
	fx.t.Helper()
	return fx.do(ask{method: "POST", path: "/auth/cli/login/" + loginID,
		header: with(header, "Content-Type", "application/x-www-form-urlencoded"),
		body:   url.Values{"key": {key.Reveal()}}.Encode()})
}

// login goes through the browser and returns what the program gets.
func (fx *fixture) login() (token, refresh regpass.Secret) {
	fx.t.Helper()
	fx.want(fx.t, fx.approve(fx.dev, http.Header{}), 200)
	got := fx.do(ask{path: "/auth/cli/status/" + loginID})
	fx.want(fx.t, got, 200)
	return field(fx.t, got, "access_token"), field(fx.t, got, "refresh_token")
}

func refreshBody(s regpass.Secret) string {
	j, _ := json.Marshal(map[string]string{"refresh_token": s.Reveal()})
	return string(j)
}

func TestLogin(t *testing.T) {
	fx := newFixture(t)
	status := ask{path: "/auth/cli/status/" + loginID}
	fx.want(t, fx.do(status), 404)
	got := fx.do(ask{path: "/auth/cli/login/" + strings.ToUpper(loginID)})
	fx.want(t, got, 200)
	policy := got.header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the page's policy is %q", policy)
		}
	}
	if !strings.Contains(got.body, loginID) || strings.Contains(got.body, "<script") || strings.Contains(got.body, "//") {
		t.Errorf("page:\n%s", got.body)
	}

	fx.want(t, fx.approve(regpass.NewSecret("sk-regpass-wrong"), http.Header{}), 401)
	fx.want(t, fx.do(status), 404)
	fx.want(t, fx.approve(fx.dev, http.Header{"Sec-Fetch-Site": {"cross-site"}}), 403)
	fx.want(t, fx.approve(fx.dev, http.Header{"Origin": {"https://evil.example"}}), 403)
	fx.want(t, fx.do(status), 404)
	fx.want(t, fx.post("/auth/cli/login/"+loginID, "key="+fx.dev.Reveal()), 400)
	fx.want(t, fx.approve(fx.dev, http.Header{"Sec-Fetch-Site": {"same-origin"}}), 200)
	fx.want(t, fx.approve(fx.dev, http.Header{}), 409)
	got = fx.do(status)
	fx.want(t, got, 200)
	fx.want(t, fx.do(status), 404) // once
	fx.want(t, fx.do(ask{path: project, header: bearer(field(t, got, "access_token"))}), 200)

	for _, bad := range []string{"x", "0b0f5a5e-7c3f-1d53-9b4d-0f6c1c3a9e11", loginID + "0", "<b>"} {
		fx.want(t, fx.do(ask{path: "/auth/cli/login/" + url.PathEscape(bad)}), 404)
		fx.want(t, fx.do(ask{path: "/auth/cli/status/" + url.PathEscape(bad)}), 404)
	}
	if strings.Contains(fx.audit.String(), loginID) {
		t.Error("the id of a login, which is worth a token, is in the audit")
	}
}

func TestLoginWaitsFiveMinutes(t *testing.T) {
	fx := newFixture(t)
	fx.want(t, fx.approve(fx.dev, http.Header{}), 200)
	fx.clock.forward(5 * time.Minute)
	fx.want(t, fx.do(ask{path: "/auth/cli/status/" + loginID}), 404)
}

func TestRefresh(t *testing.T) {
	fx := newFixture(t)
	first, refresh := fx.login()
	ask1 := ask{method: "POST", path: "/auth/cli/refresh", body: refreshBody(refresh)}
	got := fx.do(ask1)
	fx.want(t, got, 200)
	second, next := field(t, got, "access_token"), field(t, got, "refresh_token")
	got = fx.post("/auth/cli/refresh", refreshBody(next))
	fx.want(t, got, 200)
	third, last := field(t, got, "access_token"), field(t, got, "refresh_token")
	for _, s := range []regpass.Secret{first, second, third} {
		fx.want(t, fx.do(ask{path: project, header: bearer(s)}), 200)
	}
	fx.want(t, fx.do(ask1), 401) // someone has a copy: the login is over
	if reason := fx.lastAudit()["reason"]; reason != "refresh token: used twice; its login is revoked" {
		t.Errorf("audit: %v", reason)
	}
	fx.want(t, fx.post("/auth/cli/refresh", refreshBody(last)), 401)
	for _, s := range []regpass.Secret{first, second, third} {
		fx.want(t, fx.do(ask{path: project, header: bearer(s)}), 401)
	}
}

func TestRefreshRefuses(t *testing.T) {
	fx := newFixture(t)
	_, refresh := fx.login()
	text := refresh.Reveal()
	flipped := "A"
	if text[20] == 'A' {
		flipped = "B"
	}
	for name, body := range map[string]string{
		"nothing": `{}`, "an API key": refreshBody(fx.dev), "short": refreshBody(regpass.NewSecret(text[:40])),
		"changed": refreshBody(regpass.NewSecret(text[:20] + flipped + text[21:])),
	} {
		t.Run(name, func(t *testing.T) { fx.want(t, fx.post("/auth/cli/refresh", body), 401) })
	}
	fx.want(t, fx.post("/auth/cli/refresh", "x"), 400)
	fx.want(t, fx.post("/auth/cli/refresh", strings.Repeat("x", 5000)), 413)
	fx.want(t, fx.post("/auth/cli/refresh", refreshBody(refresh)), 200) // none of that ended the login
	fx.clock.forward(31 * 24 * time.Hour)
	_, again := fx.login()
	fx.clock.forward(30 * 24 * time.Hour)
	fx.want(t, fx.post("/auth/cli/refresh", refreshBody(again)), 401)
}

func TestLogoutEndsTheLogin(t *testing.T) {
	fx := newFixture(t)
	first, refresh := fx.login()
	got := fx.post("/auth/cli/refresh", refreshBody(refresh))
	fx.want(t, got, 200)
	fx.want(t, fx.do(ask{path: "/auth/cli/logout", header: bearer(field(t, got, "access_token"))}), 200)
	fx.want(t, fx.do(ask{path: project, header: bearer(first)}), 401)
	fx.want(t, fx.post("/auth/cli/refresh", refreshBody(field(t, got, "refresh_token"))), 401)
}
