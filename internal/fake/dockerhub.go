package fake

import (
	"crypto/rand"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// DockerHub is identity.docker.com, which exchanges identities.
type DockerHub struct {
	Now        func() time.Time
	Connection string // id of the only OIDC connection
	Audience   string // of identities
	Subject    string // that the connection's only ruleset takes; empty: any

	script
}

// NewDockerHub makes an identity service with one connection.
func NewDockerHub(now func() time.Time) *DockerHub {
	return &DockerHub{Now: now, Connection: "0f8fad5b-d9cb-469f-a165-70867728950e",
		Audience: "https://identity.docker.com"}
}

// ServeHTTP answers like identity.docker.com, or with the next answer of Instead.
func (d *DockerHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.serve(w, r, http.HandlerFunc(d.token))
}

// no answers a refusal, and remembers the mistake.
func (d *DockerHub) no(w http.ResponseWriter, r *http.Request, status int, code, text string) {
	d.wrong = append(d.wrong, r.Method+" "+r.URL.Path+": "+text)
	answer(w, status, map[string]any{"error": code, "error_description": text})
}

func (d *DockerHub) token(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, err := url.ParseQuery(string(body))
	seconds, bad := strconv.Atoi(form.Get("expires_in"))
	id, sound := readID(form.Get("subject_token"))
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/oauth/token" || r.URL.RawQuery != "":
		d.no(w, r, http.StatusNotFound, "not_found", "no such endpoint")
	case err != nil || len(form) != 5 || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" ||
		r.Header.Get("Authorization") != "" ||
		form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:token-exchange" ||
		form.Get("subject_token_type") != "urn:ietf:params:oauth:token-type:id_token":
		d.no(w, r, http.StatusBadRequest, "invalid_request", "not the form of a token exchange")
	case bad != nil || seconds < 300 || seconds > 21600:
		d.no(w, r, http.StatusBadRequest, "invalid_request", "expires_in is out of range")
	case !sound || form.Get("connection_id") != d.Connection || !id.is(d.Audience, d.Subject):
		d.wrong = append(d.wrong, "the operation is not permitted")
		w.WriteHeader(http.StatusUnauthorized) // without a body
	default:
		answer(w, http.StatusOK, map[string]any{"access_token": "dckr_oidc_" + rand.Text() + rand.Text()})
	}
}
