package sts

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// problem is an RFC 9457 problem type.
type problem struct {
	status int
	code   string // last part of the type URI
	title  string
}

var (
	badRequest    = problem{http.StatusBadRequest, "bad-request", "The request is invalid"}
	noCredential  = problem{http.StatusUnauthorized, "no-credential", "A credential is required"}
	badCredential = problem{http.StatusUnauthorized, "bad-credential", "The credential is not valid"}
	badIdentity   = problem{http.StatusUnauthorized, "bad-identity", "The identity token is not accepted"}
	forbidden     = problem{http.StatusForbidden, "forbidden", "The credential does not allow this"}
	noPolicy      = problem{http.StatusForbidden, "no-policy", "No trust policy matches"}
	notFound      = problem{http.StatusNotFound, "not-found", "Not found"}
	pending       = problem{http.StatusNotFound, "pending", "The login is not approved yet"}
	wrongMethod   = problem{http.StatusMethodNotAllowed, "method-not-allowed", "The method is not allowed"}
	notAcceptable = problem{http.StatusNotAcceptable, "not-acceptable", "No format that the client accepts"}
	conflict      = problem{http.StatusConflict, "file-exists", "File already exists"}
	tooLarge      = problem{http.StatusRequestEntityTooLarge, "too-large", "The request is too large"}
	broken        = problem{http.StatusInternalServerError, "internal", "The service failed"}
	badUpstream   = problem{http.StatusBadGateway, "upstream", "The upstream index failed"}
	unavailable   = problem{http.StatusServiceUnavailable, "unavailable", "The service is temporarily unavailable"}
)

// refusal is an error response.
type refusal struct {
	problem
	detail string // shown to the client
	reason string // for the audit; empty: same as detail
}

// Error returns the reason for the audit.
func (r *refusal) Error() string {
	if r.reason != "" {
		return r.reason
	}
	return r.detail
}

// with returns a refusal whose detail the client and the audit see.
func (k problem) with(format string, args ...any) *refusal {
	return &refusal{problem: k, detail: fmt.Sprintf(format, args...)}
}

// because sets a reason that only the audit sees.
func (r *refusal) because(format string, args ...any) *refusal {
	r.reason = fmt.Sprintf(format, args...)
	return r
}

// write sends problem details (RFC 9457). A 401 offers both ways to present a token (RFC 6750, RFC 7617), and says with
// which type= regpass gets one.
func (r *refusal) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	switch r.status {
	case http.StatusUnauthorized:
		bearer := `Bearer realm="regpass", type="` + protocol + `"`
		if r.code != noCredential.code {
			bearer += `, error="invalid_token"`
		}
		h["Www-Authenticate"] = []string{`Basic realm="regpass", charset="UTF-8"`, bearer}
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
	}
	w.WriteHeader(r.status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"type": "urn:regpass:problem:" + r.code, "status": r.status, "title": r.title, "detail": r.detail,
	})
}
