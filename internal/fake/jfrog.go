package fake

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// JFrog is the part of JFrog's platform that exchanges identities and revokes tokens. It reads the claims of an
// identity without verifying them.
type JFrog struct {
	Now      func() time.Time
	Base     string // path of the platform: "" or "/jfrog"
	Provider string // name of the only OIDC integration
	Audience string // of identities
	Subject  string // that the identity mapping takes; empty: any
	Lifetime time.Duration
	Username any // in the answer; nil: it has none

	script
	live map[string]bool // tokens: false once they are revoked
}

// NewJFrog makes a platform with one OIDC integration.
func NewJFrog(now func() time.Time) *JFrog {
	return &JFrog{Now: now, Provider: "github", Audience: "https://acme.jfrog.io", Lifetime: time.Hour,
		Username: "ci-reader", live: map[string]bool{}}
}

// Live is how many tokens were made and have not been revoked.
func (j *JFrog) Live() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := 0
	for _, live := range j.live {
		if live {
			n++
		}
	}
	return n
}

// ServeHTTP answers like the platform, or with the next answer of Instead.
func (j *JFrog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	j.serve(w, r, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "POST " + j.Base + "/access/api/v1/oidc/token":
			j.token(w, r)
		case "DELETE " + j.Base + "/access/api/v1/tokens/me":
			j.revoke(w, r)
		default:
			j.refuseJFrog(w, r, http.StatusNotFound, "Not Found")
		}
	}))
}

// refuseJFrog answers as the platform does, and remembers the mistake.
func (j *JFrog) refuseJFrog(w http.ResponseWriter, r *http.Request, status int, message string) {
	j.wrong = append(j.wrong, r.Method+" "+r.URL.Path+": "+message)
	answer(w, status, map[string]any{"errors": []any{map[string]any{"status": status, "message": message}}})
}

// jfrogFields are all fields of the request (jfrog-client-go 1.55.0, CreateOidcTokenParams).
var jfrogFields = []string{"grant_type", "subject_token_type", "subject_token", "provider_name", "project_key",
	"job_id", "run_id", "repo", "application_key", "audience", "provider_type", "identity_mapping_name",
	"include_reference_token", "context"}

func (j *JFrog) token(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	var body map[string]any
	err := json.Unmarshal(raw, &body)
	text := func(name string) string { s, _ := body[name].(string); return s }
	for name := range body {
		if !slices.Contains(jfrogFields, name) {
			j.refuseJFrog(w, r, http.StatusBadRequest, "unknown field "+name)
			return
		}
	}
	id, sound := readID(text("subject_token"))
	switch {
	case err != nil || r.Header.Get("Content-Type") != "application/json" || r.URL.RawQuery != "":
		j.refuseJFrog(w, r, http.StatusBadRequest, "the request is not JSON")
	case r.Header.Get("Authorization") != "":
		j.refuseJFrog(w, r, http.StatusBadRequest, "a second proof")
	case text("grant_type") != "urn:ietf:params:oauth:grant-type:token-exchange",
		text("subject_token_type") != "urn:ietf:params:oauth:token-type:id_token", !sound:
		j.refuseJFrog(w, r, http.StatusBadRequest, "not a token exchange")
	case text("provider_name") != j.Provider:
		j.refuseJFrog(w, r, http.StatusNotFound, "no such provider")
	case !id.is(j.Audience, ""):
		j.refuseJFrog(w, r, http.StatusUnauthorized, "the audience does not match")
	case !id.is(j.Audience, j.Subject):
		j.refuseJFrog(w, r, http.StatusForbidden, "no identity mapping matches the claims")
	default:
		token := j.newToken()
		j.live[token] = true
		got := map[string]any{"access_token": token, "expires_in": int(j.Lifetime.Seconds()), "token_type": "Bearer",
			"scope":             `applied-permissions/groups:"readers"`,
			"issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}
		if j.Username != nil {
			got["username"] = j.Username
		}
		answer(w, http.StatusOK, got)
	}
}

// newToken makes a token of the form that Artifactory's have.
func (j *JFrog) newToken() string {
	return mintJWT(map[string]any{"sub": "jfrt@01example/users/ci-reader", "iss": "jfac@01example", "aud": "*@*",
		"scp": `applied-permissions/groups:"readers"`, "iat": j.Now().Unix(), "exp": j.Now().Add(j.Lifetime).Unix(),
		"jti": uuid()})
}

func (j *JFrog) revoke(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	live, known := j.live[token]
	switch {
	case !ok || !known:
		j.refuseJFrog(w, r, http.StatusUnauthorized, "Bad credentials")
	case live:
		j.live[token] = false
		w.WriteHeader(http.StatusOK)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}
