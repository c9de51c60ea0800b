package sts_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/sts"
)

const logoutPath = "/auth/cli/logout"

// TestOneKeyFillsOnlyItsShare: a key that logs out again and again stops nobody's logout, its own included.
func TestOneKeyFillsOnlyItsShare(t *testing.T) {
	fx := newFixture(t)
	fx.service.Shrink(5)
	mine, others := fx.token(fx.reader), fx.token(fx.dev)
	var ended []regpass.Secret
	for range 6 {
		token := fx.token(fx.reader)
		fx.want(t, fx.do(ask{path: logoutPath, header: bearer(token)}), 200)
		ended = append(ended, token)
	}
	if reason := fx.lastAudit()["reason"]; !strings.Contains(reason.(string), "all tokens of key:reader") {
		t.Errorf("audit: %v", reason)
	}
	// There was no room for the sixth, so all tokens that the key had end; those of other keys don't.
	for _, token := range append(ended, mine) {
		fx.want(t, fx.do(ask{path: project, header: bearer(token)}), 401)
	}
	fx.want(t, fx.do(ask{path: project, header: bearer(others)}), 200)
	// A token of the same second could not be told from the ended ones.
	got := fx.do(ask{method: "POST", path: "/auth/cli/access-token", header: bearer(fx.reader)})
	if fx.want(t, got, 503); got.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	fx.clock.forward(time.Second)
	fresh := fx.token(fx.reader)
	fx.want(t, fx.do(ask{path: project, header: bearer(fresh)}), 200)
	fx.want(t, fx.do(ask{path: logoutPath, header: bearer(fresh)}), 200)
	for _, token := range append(ended, mine, fresh) {
		fx.want(t, fx.do(ask{path: project, header: bearer(token)}), 401)
	}
	fx.want(t, fx.do(ask{path: logoutPath, header: bearer(others)}), 200)
	fx.want(t, fx.do(ask{path: project, header: bearer(others)}), 401)
}

// TestOnePolicyFillsOnlyItsShare: a job that trades identity after identity stops the jobs of its own policy only, and
// what was granted can be revoked.
func TestOnePolicyFillsOnlyItsShare(t *testing.T) {
	fx := newFixture(t)
	fx.service.Shrink(5)
	var tokens []regpass.Secret
	for range 5 {
		got := fx.post(accessPath, tokenBody(fx.idToken(audience, nil)))
		fx.want(t, got, 200)
		tokens = append(tokens, field(t, got, "token"))
	}
	fx.clock.forward(8 * time.Minute) // the identities have ended, the tokens live two minutes more
	sixth := tokenBody(fx.idToken(audience, nil))
	fx.want(t, fx.post(accessPath, sixth), 503)
	fx.want(t, fx.post(publishPath, tokenBody(fx.idToken(audience, nil))), 200)
	for _, token := range tokens {
		fx.want(t, fx.do(ask{path: project, header: bearer(token)}), 200)
		fx.want(t, fx.do(ask{path: logoutPath, header: bearer(token)}), 200)
		if reason := fx.lastAudit()["reason"]; reason != "revoked" {
			t.Errorf("audit: %v", reason)
		}
		fx.want(t, fx.do(ask{path: project, header: bearer(token)}), 401)
	}
	fx.clock.forward(2 * time.Minute)
	fx.want(t, fx.post(accessPath, sixth), 200)
}

// TestOneKeysLogins: logins of one key neither lock others out nor the key itself.
func TestOneKeysLogins(t *testing.T) {
	fx := newFixture(t)
	fx.service.Shrink(3)
	form := func(n int, key regpass.Secret) reply {
		id := fmt.Sprintf("%08x%s", n, loginID[8:])
		return fx.do(ask{method: "POST", path: "/auth/cli/login/" + id, body: "key=" + key.Reveal(),
			header: with(http.Header{}, "Content-Type", "application/x-www-form-urlencoded")})
	}
	for n := range 3 {
		fx.want(t, form(n, fx.reader), 200)
	}
	fx.want(t, form(3, fx.reader), 503)
	fx.want(t, form(4, fx.dev), 200)
	fx.clock.forward(6 * time.Minute)

	// The fourth login ends the first, and only that; a logout makes room.
	var refreshes []regpass.Secret
	for range 3 {
		_, refresh := fx.login()
		refreshes = append(refreshes, refresh)
	}
	token, refresh := fx.login()
	if reason := fx.lastAudit()["reason"]; !strings.Contains(fmt.Sprint(reason), "the oldest login of the key has ended") {
		t.Errorf("audit: %v", reason)
	}
	fx.want(t, fx.post("/auth/cli/refresh", refreshBody(refreshes[0])), 401)
	fx.want(t, fx.do(ask{path: logoutPath, header: bearer(token)}), 200)
	fx.want(t, fx.post("/auth/cli/refresh", refreshBody(refresh)), 401)
	fx.login()
	for _, r := range refreshes[1:] {
		fx.want(t, fx.post("/auth/cli/refresh", refreshBody(r)), 200)
	}
}

// TestTokensOfRemovedKeys: a key or policy that was taken out of the configuration takes its tokens along.
func TestTokensOfRemovedKeys(t *testing.T) {
	fx := newFixture(t)
	stays, goes := fx.token(fx.dev), fx.token(fx.reader)
	fx.cfg.APIKeys = append(fx.cfg.APIKeys[:1:1], sts.APIKey{Name: "next", SHA256: digest("next"),
		Workspaces: []string{"acme"}, Permissions: sts.Permissions{sts.Read}})
	fx.start(http.DefaultTransport)
	fx.want(t, fx.do(ask{path: project, header: bearer(stays)}), 200)
	fx.want(t, fx.do(ask{path: project, header: bearer(goes)}), 401)
	fx.want(t, fx.do(ask{path: logoutPath, header: bearer(goes)}), 401)
}
