package fake

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/regpass/regpass"
)

// Pyx is a strict pyx service. It has the endpoints that uv 0.8.15 to 0.12.5 uses, and the unreleased Trusted Access.
// It signs its own tokens. It reads the audience of an identity but verifies no signature.
type Pyx struct {
	Now      func() time.Time
	Lifetime time.Duration // of access tokens
	Key      string        // the one API key
	Audience string        // of identities for publishing
	// ReadAudience is that of identities for reading: pyx's own, or a server's host.
	ReadAudience string
	// Workspaces are the workspaces that identities may read.
	Workspaces []string
	// Registries are the registries, as workspace/registry, that identities may publish to.
	Registries []string
	// Pending is how many times the status of a login is still 404 after its page was opened.
	Pending int

	script
	mux      *http.ServeMux
	secret   []byte          // signs access tokens
	refresh  map[string]bool // refresh tokens; true: used
	sessions map[string]int  // logins whose page was opened, with the number of 404s to come
	tokens   map[string]bool // access tokens that are not revoked
}

// NewPyx makes a service with an API key, the workspace acme and its registry main. now is its clock.
func NewPyx(now func() time.Time) *Pyx {
	p := &Pyx{
		Now: now, Lifetime: time.Hour, Key: "sk-pyx-" + rand.Text(), Audience: "pyx", ReadAudience: "pyx:trusted-access",
		Workspaces: []string{"acme"}, Registries: []string{"acme/main"},
		secret: []byte(rand.Text()), refresh: map[string]bool{}, sessions: map[string]int{}, tokens: map[string]bool{},
	}
	p.mux = http.NewServeMux()
	p.mux.HandleFunc("POST /auth/cli/access-token", p.accessToken)
	p.mux.HandleFunc("POST /auth/cli/refresh", p.refreshToken)
	p.mux.HandleFunc("GET /auth/cli/login/{session}", p.loginPage)
	p.mux.HandleFunc("GET /auth/cli/status/{session}", p.loginStatus)
	p.mux.HandleFunc("GET /auth/cli/logout", p.logout)
	p.mux.HandleFunc("GET /v1/trusted-publishing/audience", p.audience)
	p.mux.HandleFunc("POST /v1/trusted-publishing/{workspace}/{registry}/mint-token", p.mintUpload)
	p.mux.HandleFunc("POST /v1/trusted-access/{workspace}/mint-token", p.mintRead)
	p.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		p.refuse(w, r, http.StatusNotFound, "Not Found", "there is no such endpoint")
	})
	return p
}

// ServeHTTP answers like pyx, or with the next answer of Instead.
func (p *Pyx) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.serve(w, r, p.mux) }

// Issue makes a refresh token, as a login does.
func (p *Pyx) Issue() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.newRefresh()
}

// Live reports whether the service issued the token and has not revoked it.
func (p *Pyx) Live(token string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tokens[token]
}

func (p *Pyx) accessToken(w http.ResponseWriter, r *http.Request) {
	if n, _ := io.Copy(io.Discard, r.Body); n > 0 || r.Header.Get("Content-Type") != "" {
		p.refuse(w, r, http.StatusBadRequest, "Bad Request", "the request has a body")
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+p.Key {
		problem(w, http.StatusUnauthorized, "Unauthorized", "Invalid API key")
		return
	}
	writeJSON(w, map[string]any{"access_token": p.newToken("")})
}

func (p *Pyx) refreshToken(w http.ResponseWriter, r *http.Request) {
	token, ok := p.field(w, r, "refresh_token")
	if !ok {
		return
	}
	used, known := p.refresh[token]
	if !known || used {
		problem(w, http.StatusUnauthorized, "Unauthorized", "Refresh tokens are single-use")
		return
	}
	p.refresh[token] = true
	writeJSON(w, map[string]any{"access_token": p.newToken(""), "refresh_token": p.newRefresh()})
}

// sessionID matches a random UUID.
var sessionID = regpass.Pattern(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func (p *Pyx) loginPage(w http.ResponseWriter, r *http.Request) {
	session := r.PathValue("session")
	if !sessionID().MatchString(session) {
		p.refuse(w, r, http.StatusNotFound, "Not Found", "the session is not a random UUID")
		return
	}
	p.sessions[session] = p.Pending
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, "<!doctype html><title>pyx</title><p>You are logged in.")
}

func (p *Pyx) loginStatus(w http.ResponseWriter, r *http.Request) {
	session := r.PathValue("session")
	pending, opened := p.sessions[session]
	if r.Header.Get("Authorization") != "" || !sessionID().MatchString(session) {
		p.refuse(w, r, http.StatusBadRequest, "Bad Request", "only the session may identify the client")
		return
	}
	if pending > 0 {
		p.sessions[session]--
	}
	if !opened || pending > 0 {
		problem(w, http.StatusNotFound, "Not Found", "Nobody has logged in yet")
		return
	}
	delete(p.sessions, session)
	writeJSON(w, map[string]any{"access_token": p.newToken(""), "refresh_token": p.newRefresh()})
}

func (p *Pyx) logout(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !p.tokens[token] {
		problem(w, http.StatusUnauthorized, "Unauthorized", "The token is not valid")
		return
	}
	delete(p.tokens, token)
	w.WriteHeader(http.StatusNoContent)
}

func (p *Pyx) audience(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]any{"audience": p.Audience})
}

func (p *Pyx) mintUpload(w http.ResponseWriter, r *http.Request) {
	registry := r.PathValue("workspace") + "/" + r.PathValue("registry")
	if p.identified(w, r, p.Audience) && p.trusted(w, slices.Contains(p.Registries, registry)) {
		writeJSON(w, map[string]any{"token": p.newToken("upload:" + registry), "expires": p.Now().Add(p.Lifetime).Unix()})
	}
}

func (p *Pyx) mintRead(w http.ResponseWriter, r *http.Request) {
	workspace := r.PathValue("workspace")
	if p.identified(w, r, p.ReadAudience) && p.trusted(w, slices.Contains(p.Workspaces, workspace)) {
		writeJSON(w, map[string]any{"token": p.newToken("read:" + workspace)})
	}
}

// trusted answers 403 unless ok.
func (p *Pyx) trusted(w http.ResponseWriter, ok bool) bool {
	if !ok {
		problem(w, http.StatusForbidden, "Forbidden", "No trusted publisher or accessor matches the identity")
	}
	return ok
}

// newToken signs an access token for the scope; empty: for everything.
func (p *Pyx) newToken(scope string) string {
	now := p.Now()
	claims := jwt.MapClaims{"iss": "pyx", "sub": "acme", "jti": rand.Text(), "urn:pyx:org_name": "acme",
		"iat": now.Unix(), "exp": now.Add(p.Lifetime).Unix()}
	if scope != "" {
		claims["scope"] = scope
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(p.secret)
	if err != nil {
		p.wrong = append(p.wrong, fmt.Sprintf("sign a token: %v", err))
	}
	p.tokens[token] = true
	return token
}

func (p *Pyx) newRefresh() string {
	token := "rt-" + rand.Text()
	p.refresh[token] = false
	return token
}
