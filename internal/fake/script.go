package fake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/golang-jwt/jwt/v5"
)

// script is the part that strict servers have in common: scripted answers, and records of requests and mistakes.
type script struct {
	mu       sync.Mutex // guards the whole state of the server
	instead  []http.HandlerFunc
	wrong    []string
	asked    []string
	accepted map[string]bool // identities that were exchanged
}

// Instead gives the next requests these answers, one each. A nil answer stands for the server's own.
func (s *script) Instead(answers ...http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instead = append(s.instead, answers...)
}

// Wrong lists the mistakes in the requests so far.
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

// serve answers with the next scripted answer, or lets the server's handler answer.
func (s *script) serve(w http.ResponseWriter, r *http.Request, handler http.Handler) {
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+r.URL.Path)
	var instead http.HandlerFunc
	if len(s.instead) > 0 {
		instead, s.instead = s.instead[0], s.instead[1:]
	}
	if instead != nil {
		s.mu.Unlock() // the answer may hang
		instead(w, r)
		return
	}
	defer s.mu.Unlock()
	handler.ServeHTTP(w, r)
}

// refuse answers a request with a mistake, and remembers the mistake.
func (s *script) refuse(w http.ResponseWriter, r *http.Request, status int, title, detail string) {
	s.wrong = append(s.wrong, fmt.Sprintf("%s %s: %s", r.Method, r.URL.Path, detail))
	problem(w, status, title, detail)
}

// field reads a JSON body with that one field. A request with another proof or a query is a mistake. ok is false if it
// has answered with a refusal.
func (s *script) field(w http.ResponseWriter, r *http.Request, name string) (value string, ok bool) {
	var body map[string]any
	err := json.NewDecoder(r.Body).Decode(&body)
	value, _ = body[name].(string)
	switch {
	case err != nil || len(body) != 1 || value == "":
		s.refuse(w, r, http.StatusUnprocessableEntity, "Unprocessable Entity",
			"the body is not a JSON object with "+name+" only")
	case r.Header.Get("Authorization") != "":
		s.refuse(w, r, http.StatusBadRequest, "Bad Request", "the request has a second proof")
	case r.URL.RawQuery != "":
		s.refuse(w, r, http.StatusBadRequest, "Bad Request", "the request has a query")
	default:
		return value, true
	}
	return "", false
}

// identified reads an identity and checks its audience. It accepts each identity once.
func (s *script) identified(w http.ResponseWriter, r *http.Request, audience string) bool {
	token, ok := s.field(w, r, "token")
	return ok && s.accepts(w, r, token, audience)
}

// accepts checks the audience of an identity, which it accepts once.
func (s *script) accepts(w http.ResponseWriter, r *http.Request, token, audience string) bool {
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

// problem answers with an error (RFC 9457).
func problem(w http.ResponseWriter, status int, title, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	body := map[string]any{"type": "about:blank", "status": status, "title": title, "detail": detail}
	_ = json.NewEncoder(w).Encode(body)
}

func writeJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}
