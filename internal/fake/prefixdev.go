package fake

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// PrefixDev is the endpoint of prefix.dev that takes identities. It reads their audience but verifies no signature.
type PrefixDev struct {
	Now      func() time.Time
	Lifetime time.Duration // of tokens
	Audience string        // of identities

	script
	mux *http.ServeMux
}

// NewPrefixDev makes a prefix.dev with the clock now.
func NewPrefixDev(now func() time.Time) *PrefixDev {
	p := &PrefixDev{Now: now, Lifetime: time.Hour, Audience: "prefix.dev", mux: http.NewServeMux()}
	p.mux.HandleFunc("POST /api/oidc/mint_token", p.mint)
	p.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		p.refuse(w, r, http.StatusNotFound, "Not Found", "there is no such endpoint")
	})
	return p
}

// ServeHTTP answers like prefix.dev, or with the next answer of Instead.
func (p *PrefixDev) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.serve(w, r, p.mux) }

func (p *PrefixDev) mint(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Content-Type") != "application/json" {
		p.refuse(w, r, http.StatusUnsupportedMediaType, "Unsupported Media Type", "the body is not application/json")
		return
	}
	if !p.identified(w, r, p.Audience) {
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, p.newToken())
}

// newToken makes a token of three parts. rattler reads exp from the second.
func (p *PrefixDev) newToken() string {
	payload, _ := json.Marshal(map[string]any{"aud": "https://prefix.dev/upload", "exp": p.Now().Add(p.Lifetime).Unix()})
	return "pfx-jwt." + base64.RawURLEncoding.EncodeToString(payload) + "." + rand.Text()
}
