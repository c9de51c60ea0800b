package fake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/golang-jwt/jwt/v5"
)

// script is what strict servers have in common: what they answer instead, and what was wrong with what they heard.
type script struct {
	mu       sync.Mutex // guards all of the server's state
	instead  []http.HandlerFunc
	wrong    []string
	asked    []string
	accepted map[string]bool // identities that were traded
}

// Instead answers the next requests by these, one each; a nil one stands for the answer that is right.
func (s *script) Instead(answers ...http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instead = append(s.instead, answers...)
}

// Wrong lists what no client would ask.
func (s *script) Wrong() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.wrong)
}

// Asked lists the requests so far: "POST /auth/cli/refresh".
func (s *script) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

func (s *script) serve(w http.ResponseWriter, r *http.Request, right http.Handler) {
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+r.URL.Path)
	var instead http.HandlerFunc
	if len(s.instead) > 0 {
		instead, s.instead = s.instead[0], s.instead[1:]
	}
	if instead != nil {
		s.mu.Unlock() // it may hang
		instead(w, r)
		return
	}
	defer s.mu.Unlock()
	right.ServeHTTP(w, r)
}

// refuse answers a request that is wrong, and remembers it.
func (s *script) refuse(w http.ResponseWriter, r *http.Request, status int, title, detail string) {
	s.wrong = append(s.wrong, fmt.Sprintf("%s %s: %s", r.Method, r.URL.Path, detail))
	problem(w, status, title, detail)
}

// field reads a JSON body that has just that one field; the request has no other proof.
func (s *script) field(w http.ResponseWriter, r *http.Request, name string) (string, bool) {
	var body map[string]any
	err := json.NewDecoder(r.Body).Decode(&body)
	value, _ := body[name].(string)
	switch {
	case err != nil || len(body) != 1 || value == "":
		s.refuse(w, r, http.StatusUnprocessableEntity, "Unprocessable Entity",
			"the body is not a JSON object with just "+name)
	case r.Header.Get("Authorization") != "":
		s.refuse(w, r, http.StatusBadRequest, "Bad Request", "the request has a second proof")
	case r.URL.RawQuery != "":
		s.refuse(w, r, http.StatusBadRequest, "Bad Request", "the request has a query")
	default:
		return value, true
	}
	return "", false
}

// identified reads an identity, checks its audience and takes it once.
func (s *script) identified(w http.ResponseWriter, r *http.Request, audience string) bool {
	token, ok := s.field(w, r, "token")
	if !ok {
		return false
	}
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(token, claims); err != nil {
		s.refuse(w, r, http.StatusUnprocessableEntity, "Unprocessable Entity", "the identity is not a JSON Web Token")
		return false
	}
	if aud, err := claims.GetAudience(); err != nil || !slices.Contains(aud, audience) {
		s.refuse(w, r, http.StatusForbidden, "Forbidden", fmt.Sprintf("the identity is for %q, not %q", aud, audience))
		return false
	}
	if s.accepted[token] {
		problem(w, http.StatusUnprocessableEntity, "Unprocessable Entity", "The identity was used before")
		return false
	}
	if s.accepted == nil {
		s.accepted = map[string]bool{}
	}
	s.accepted[token] = true
	return true
}

// problem answers an error (RFC 9457).
func problem(w http.ResponseWriter, status int, title, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	problem := map[string]any{"type": "about:blank", "status": status, "title": title, "detail": detail}
	_ = json.NewEncoder(w).Encode(problem)
}

func writeJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}
