package sts

import (
	"crypto/rand"
	"html/template"
	"mime"
	"net/http"
	"strings"
	"sync"

	"github.com/regpass/regpass"
)

// loginID is the id that a client chooses for a login: a UUID of version 4 (RFC 9562).
var loginID = regpass.Pattern(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func (c *call) sessionID() (string, error) {
	id := strings.ToLower(c.args[0])
	if !loginID().MatchString(id) {
		return "", notFound.with("not a login id")
	}
	return id, nil
}

// loginTemplate is the login page. It has no script and loads nothing.
var loginTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("login").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log in to {{.Host}}</title>
<style nonce="{{.Nonce}}">
body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem}
input,button{font:inherit;padding:.4rem;width:100%;box-sizing:border-box;margin:.3rem 0}
code{overflow-wrap:anywhere}
</style>
</head>
<body>
<h1>{{.Host}}</h1>
{{if .Done}}<p>The login is approved. You can close this page and go back to the terminal.</p>
{{else}}<p>A program asks to log in with your rights.
Go on only if you started it yourself just now and it shows this id:</p>
<p><code>{{.Session}}</code></p>
{{with .Wrong}}<p role="alert"><strong>{{.}}</strong></p>
{{end}}<form method="post" autocomplete="off">
<label for="key">API key</label>
<input id="key" name="key" type="password" autocomplete="off" spellcheck="false" required autofocus>
<button type="submit">Approve</button>
</form>
{{end}}</body>
</html>
`))
})

func (s *Service) showPage(c *call, status int, id, wrong string, done bool) error {
	nonce := rand.Text()
	h := c.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; form-action 'self'; "+
		"frame-ancestors 'none'; base-uri 'none'")
	c.w.WriteHeader(status)
	_, at, _ := strings.Cut(s.cfg.PublicURL, "://")
	return c.sent(loginTemplate().Execute(c.w, map[string]any{
		"Host": at, "Nonce": nonce, "Session": id, "Wrong": wrong, "Done": done,
	}))
}

// loginPage shows the form. A login takes no memory until it is approved.
func (s *Service) loginPage(c *call) error {
	id, err := c.sessionID()
	if err != nil {
		return err
	}
	return s.showPage(c, http.StatusOK, id, "", false)
}

// loginApprove handles the form. Another site could not fill it in without an API key, but it is refused anyway.
func (s *Service) loginApprove(c *call) error {
	id, err := c.sessionID()
	if err != nil {
		return err
	}
	if err := http.NewCrossOriginProtection().Check(c.r); err != nil {
		return forbidden.with("the form was sent by another site")
	}
	if kind, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type")); kind != "application/x-www-form-urlencoded" {
		return badRequest.with("not the form that this page sends")
	}
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, maxRefresh)
	if err := c.r.ParseForm(); err != nil {
		return badRequest.with("not the form that this page sends")
	}
	presented, err := regpass.ParseToken(c.r.PostForm.Get("key"))
	var key *apiKey
	if err == nil {
		key = s.findKey(presented, c.now)
	}
	if key == nil {
		c.reason = "the API key is unknown or has expired"
		return s.showPage(c, http.StatusUnauthorized, id, "This API key is unknown or has expired.", false)
	}
	c.subject, c.permissions = "key:"+key.Name, key.Permissions
	switch s.logins.add(id, key, c.now.Add(loginTTL), c.now) {
	case known:
		return conflict.with("this login is already approved")
	case full:
		return unavailable.with("too many approved logins of this key are waiting to be fetched")
	}
	return s.showPage(c, http.StatusOK, id, "", true)
}

// loginStatus returns the tokens of an approved login, once, to whoever knows its id. Until the approval it answers
// 404, and uv polls (uv, crates/uv/src/commands/auth/login.rs).
func (s *Service) loginStatus(c *call) error {
	id, err := c.sessionID()
	if err != nil {
		return err
	}
	key, ok := s.logins.take(id, c.now)
	if !ok {
		c.silent = true
		return pending.with("open the login page and approve it there")
	}
	if key.expired(c.now) {
		return badCredential.with("the API key has expired")
	}
	session, next, ended := s.refreshTokens.start(key, c.now)
	if ended {
		c.reason = "the oldest login of the key has ended: it had as many as a key may have"
	}
	return s.pair(c, key, session, next, "login")
}
