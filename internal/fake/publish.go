package fake

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Publish is the part of PyPI, crates.io, npm's registry, RubyGems.org and nuget.org that exchanges identities. Their
// paths are apart, so one server is all of them. It verifies no signature.
type Publish struct {
	Now        func() time.Time
	Audience   string // of identities
	Repository string // the only publisher's; empty: any
	Package    string // of npm, which has no other
	User       string // of nuget.org, whose policy it is

	script
	mux  *http.ServeMux
	live map[string]bool // tokens of crates.io that have not ended
}

// NewPublish makes an index that takes identities for the audience.
func NewPublish(now func() time.Time, audience string) *Publish {
	p := &Publish{Now: now, Audience: audience, Package: "@acme/app", User: "acme", mux: http.NewServeMux(),
		live: map[string]bool{}}
	p.mux.HandleFunc("GET /_/oidc/audience", p.pypiAudience)
	p.mux.HandleFunc("POST /_/oidc/mint-token", p.pypi)
	p.mux.HandleFunc("POST /api/v1/trusted_publishing/tokens", p.crates)
	p.mux.HandleFunc("DELETE /api/v1/trusted_publishing/tokens", p.cratesEnd)
	p.mux.HandleFunc("POST /-/npm/v1/oidc/token/exchange/package/{name}", p.npm)
	p.mux.HandleFunc("POST /api/v1/oidc/trusted_publisher/exchange_token", p.rubyGems)
	p.mux.HandleFunc("POST /api/v2/token", p.nuGet)
	p.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		p.refuse(w, r, http.StatusNotFound, "Not Found", "there is no such endpoint")
	})
	return p
}

// ServeHTTP answers like the index whose path is asked, or with the next answer of Instead.
func (p *Publish) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.serve(w, r, p.mux) }

// Live reports whether crates.io issued the token and has not revoked it.
func (p *Publish) Live(token string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.live[token]
}

func (p *Publish) pypiAudience(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"audience": p.Audience})
}

// publisher reports whether the job is the one that may publish.
func (p *Publish) publisher(token string) bool {
	claims := jwt.MapClaims{}
	_, _, _ = jwt.NewParser().ParseUnverified(token, claims)
	return p.Repository == "" || claims["repository"] == p.Repository
}

func (p *Publish) pypi(w http.ResponseWriter, r *http.Request) {
	token, ok := p.field(w, r, "token")
	if !ok || !p.accepts(w, r, token, p.Audience) {
		return
	}
	if !p.publisher(token) {
		answer(w, http.StatusUnprocessableEntity, map[string]any{"message": "Token request failed",
			"errors": []any{map[string]any{"code": "invalid-publisher",
				"description": "valid token, but no corresponding publisher (Publisher with matching claims was not found)"}}})
		return
	}
	answer(w, http.StatusOK, map[string]any{"success": true, "token": "pypi-" + rand.Text(),
		"expires": p.Now().Add(15 * time.Minute).Unix()})
}

func (p *Publish) crates(w http.ResponseWriter, r *http.Request) {
	token, ok := p.field(w, r, "jwt")
	if !ok || !p.accepts(w, r, token, p.Audience) {
		return
	}
	if !p.publisher(token) {
		answer(w, http.StatusBadRequest, map[string]any{"errors": []any{map[string]any{
			"detail": "No Trusted Publishing config found for repository `acme/app`."}}})
		return
	}
	made := "cio_tp_" + rand.Text() + rand.Text()[:6]
	p.live[made] = true
	answer(w, http.StatusOK, map[string]any{"token": made})
}

// cratesEnd answers 204 to every token that could be one.
func (p *Publish) cratesEnd(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || !strings.HasPrefix(token, "cio_tp_") {
		p.refuse(w, r, http.StatusUnauthorized, "Unauthorized", "Invalid `Authorization` header: Failed to parse token")
		return
	}
	delete(p.live, token)
	w.WriteHeader(http.StatusNoContent)
}

// bearer reads an identity in the header of a request, whose body must have these fields alone.
func (p *Publish) bearer(w http.ResponseWriter, r *http.Request, body map[string]string) (string, bool) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	got := map[string]string{}
	if body != nil {
		ok = ok && json.NewDecoder(r.Body).Decode(&got) == nil
	}
	if !ok || r.URL.RawQuery != "" || r.Header.Get("User-Agent") == "" || fmt.Sprint(got) != fmt.Sprint(body) {
		p.refuse(w, r, http.StatusBadRequest, "Bad Request", fmt.Sprintf("the request is not as it has to be: %v", got))
		return "", false
	}
	return token, p.accepts(w, r, token, p.Audience)
}

func (p *Publish) npm(w http.ResponseWriter, r *http.Request) {
	token, ok := p.bearer(w, r, nil)
	if !ok {
		return
	}
	last := r.URL.EscapedPath()[strings.LastIndex(r.URL.EscapedPath(), "/")+1:]
	if last != strings.ReplaceAll(p.Package, "/", "%2f") || !p.publisher(token) {
		answer(w, http.StatusNotFound, map[string]any{"message": "OIDC token exchange error - package not found"})
		return
	}
	answer(w, http.StatusCreated, map[string]any{"token": "npm_" + rand.Text()})
}

// rubyGems answers 404 to all that it does not trust.
func (p *Publish) rubyGems(w http.ResponseWriter, r *http.Request) {
	token, ok := p.field(w, r, "jwt")
	if !ok || !p.accepts(w, r, token, p.Audience) {
		return
	}
	if !p.publisher(token) {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	answer(w, http.StatusCreated, map[string]any{"rubygems_api_key": "rubygems_" + rand.Text(), "name": "acme/app",
		"scopes": []string{"push_rubygem"}, "expires_at": p.Now().Add(15 * time.Minute).Format(time.RFC3339Nano)})
}

func (p *Publish) nuGet(w http.ResponseWriter, r *http.Request) {
	token, ok := p.bearer(w, r, map[string]string{"username": p.User, "tokenType": "ApiKey"})
	if !ok {
		return
	}
	if !p.publisher(token) {
		answer(w, http.StatusUnauthorized, map[string]any{
			"error": "No matching trust policy owned by user '" + p.User + "' was found."})
		return
	}
	answer(w, http.StatusOK, map[string]any{"tokenType": "ApiKey", "apiKey": "oy2" + strings.ToLower(rand.Text()),
		"expires": p.Now().Add(15 * time.Minute).Format("2006-01-02T15:04:05.0000000Z07:00")}) // .NET's "O"
}
