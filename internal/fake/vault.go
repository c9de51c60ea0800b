package fake

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Vault is HashiCorp Vault or OpenBao with one role of the JWT auth method and a few secrets. Set the fields before the
// first request.
type Vault struct {
	Now       func() time.Time
	Mount     string // of the auth method
	Role      string
	Audience  string // that the role is bound to
	Subject   string // that the role is bound to; empty: any
	Namespace string
	Lifetime  time.Duration
	Batch     bool                      // tokens are of the type that nobody can revoke
	Answers   map[string]map[string]any // by path: what reading it answers
	Tokens    map[string]bool           // tokens that may read; logging in adds to them

	script
}

// NewVault makes a server with the secret secret/data/pkgs of KV version 2.
func NewVault(now func() time.Time) *Vault {
	return &Vault{Now: now, Mount: "jwt", Role: "ci", Audience: "https://vault.example:8200", Lifetime: time.Hour,
		Tokens: map[string]bool{}, Answers: map[string]map[string]any{"secret/data/pkgs": {"lease_id": "",
			"lease_duration": 0, "renewable": false, "data": map[string]any{
				"data":     map[string]any{"username": "ci", "password": "a password of pkgs"},
				"metadata": map[string]any{"version": 3}}}}}
}

// Live is how many tokens were made, or let in from the start, and have not been revoked.
func (v *Vault) Live() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.Tokens)
}

// ServeHTTP answers like the server, or with the next answer of Instead.
func (v *Vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.serve(w, r, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, ok := strings.CutPrefix(r.URL.Path, "/v1/")
		switch {
		case !ok || r.URL.RawQuery != "" || r.Header.Get("X-Vault-Request") != "true" ||
			r.Header.Get("Authorization") != "":
			v.refuse(w, r, http.StatusBadRequest, "not a request of Vault's API")
		case r.Header.Get("X-Vault-Namespace") != v.Namespace:
			v.refuse(w, r, http.StatusNotFound, fmt.Sprintf("no handler for route %q. route entry not found.", path))
		case r.Method == http.MethodPost && path == "auth/"+v.Mount+"/login":
			v.login(w, r)
		case r.Method == http.MethodPost && path == "auth/token/revoke-self":
			v.revoke(w, r)
		case r.Method == http.MethodPost && strings.HasPrefix(path, "auth/"): // another mount, as OpenBao answers
			v.refuse(w, r, http.StatusForbidden, "permission denied")
		case r.Method == http.MethodGet:
			v.read(w, r, path)
		default:
			v.refuse(w, r, http.StatusNotFound, fmt.Sprintf("no handler for route %q. route entry not found.", path))
		}
	}))
}

// refuse answers as Vault does, and remembers the mistake.
func (v *Vault) refuse(w http.ResponseWriter, r *http.Request, status int, messages ...string) {
	v.wrong = append(v.wrong, fmt.Sprintf("%s %s: %s", r.Method, r.URL.Path, strings.Join(messages, ", ")))
	answer(w, status, map[string]any{"errors": slices.Concat([]string{}, messages)})
}

// login is that of vault-plugin-auth-jwt, path_login.go. It takes an identity more than once.
func (v *Vault) login(w http.ResponseWriter, r *http.Request) {
	var body map[string]any
	err := json.NewDecoder(r.Body).Decode(&body)
	role, _ := body["role"].(string)
	identity, _ := body["jwt"].(string)
	claims := jwt.MapClaims{}
	_, _, broken := jwt.NewParser().ParseUnverified(identity, claims)
	audiences, _ := claims.GetAudience()
	subject, _ := claims.GetSubject()
	switch {
	case err != nil || r.Header.Get("X-Vault-Token") != "" || len(body) > 2:
		v.refuse(w, r, http.StatusBadRequest, "failed to parse JSON input")
	case role == "":
		v.refuse(w, r, http.StatusBadRequest, "missing role")
	case role != v.Role:
		v.refuse(w, r, http.StatusBadRequest, fmt.Sprintf("role %q could not be found", role))
	case broken != nil:
		v.refuse(w, r, http.StatusBadRequest, "error validating token: malformed token")
	case !slices.Contains(audiences, v.Audience):
		v.refuse(w, r, http.StatusBadRequest,
			"error validating token: invalid audience (aud) claim: audience claim does not match any expected audience")
	case v.Subject != "" && subject != v.Subject:
		v.refuse(w, r, http.StatusBadRequest, "error validating token: invalid subject (sub) claim")
	default:
		kind, prefix := "service", "hvs."
		if v.Batch {
			kind, prefix = "batch", "hvb."
		}
		token := prefix + rand.Text() + rand.Text()
		v.Tokens[token] = true
		answer(w, http.StatusOK, map[string]any{"request_id": uuid(), "lease_id": "", "renewable": false,
			"lease_duration": 0, "data": nil, "auth": map[string]any{"client_token": token, "accessor": rand.Text(),
				"policies": []string{"default", v.Role}, "token_policies": []string{"default", v.Role},
				"metadata": map[string]any{"role": v.Role}, "lease_duration": int(v.Lifetime.Seconds()),
				"renewable": !v.Batch, "token_type": kind}})
	}
}

func (v *Vault) read(w http.ResponseWriter, r *http.Request, path string) {
	found, ok := v.Answers[path]
	switch {
	case !v.Tokens[r.Header.Get("X-Vault-Token")]:
		v.refuse(w, r, http.StatusForbidden, "permission denied")
	case !ok:
		v.wrong = append(v.wrong, "GET "+path+": nothing is there")
		answer(w, http.StatusNotFound, map[string]any{"errors": []string{}})
	default:
		answer(w, http.StatusOK, found)
	}
}

func (v *Vault) revoke(w http.ResponseWriter, r *http.Request) {
	token := r.Header.Get("X-Vault-Token")
	switch {
	case !v.Tokens[token]:
		v.refuse(w, r, http.StatusForbidden, "permission denied")
	case v.Batch:
		v.refuse(w, r, http.StatusBadRequest, "batch tokens cannot be revoked")
	default:
		delete(v.Tokens, token)
		w.WriteHeader(http.StatusNoContent)
	}
}
