package fake

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// OctoSTS is octo-sts.dev with one trust policy, and GitHub's API, which ends its tokens.
type OctoSTS struct {
	Domain, Scope, Identity string
	Subject                 string // that the policy is for; empty: any
	API                     string // path of GitHub's API: "/api/v3" on a server of one's own
	Tokens                  map[string]bool

	script
}

// NewOctoSTS makes a service whose policy ci of acme/private lets any job in.
func NewOctoSTS() *OctoSTS {
	return &OctoSTS{Domain: "octo-sts.dev", Scope: "acme/private", Identity: "ci", Tokens: map[string]bool{}}
}

// Live is how many tokens were made, or let in from the start, and have not been revoked.
func (o *OctoSTS) Live() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.Tokens)
}

// ServeHTTP answers like the two services, or with the next answer of Instead.
func (o *OctoSTS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.serve(w, r, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		switch {
		case r.Method == http.MethodGet && r.URL.Path == "/sts/exchange" && r.Host == o.Domain:
			o.exchange(w, r, bearer)
		case r.Method == http.MethodDelete && r.URL.Path == o.API+"/installation/token" && r.Host != o.Domain:
			if !o.Tokens[bearer] {
				answer(w, http.StatusUnauthorized, map[string]any{"message": "Bad credentials", "status": "401"})
				return
			}
			delete(o.Tokens, bearer)
			w.WriteHeader(http.StatusNoContent)
		default:
			o.deny(w, r, http.StatusNotFound, 5, "Not Found")
		}
	}))
}

// deny answers as gRPC's gateway does (https://github.com/grpc/grpc/blob/master/doc/statuscodes.md), and remembers the
// mistake.
func (o *OctoSTS) deny(w http.ResponseWriter, r *http.Request, status, code int, message string) {
	o.wrong = append(o.wrong, r.Method+" "+r.URL.Path+": "+message)
	answer(w, status, map[string]any{"code": code, "message": message, "details": []any{}})
}

func (o *OctoSTS) exchange(w http.ResponseWriter, r *http.Request, bearer string) {
	claims := jwt.MapClaims{}
	_, _, err := jwt.NewParser().ParseUnverified(bearer, claims)
	audiences, _ := claims.GetAudience()
	subject, _ := claims.GetSubject()
	query := r.URL.Query()
	switch {
	case len(query) != 2 || query.Get("scope") == "":
		o.deny(w, r, http.StatusBadRequest, 3, "scope must be provided")
	case err != nil || !slices.Contains(audiences, o.Domain):
		o.deny(w, r, http.StatusUnauthorized, 16, "unable to verify bearer token")
	case query.Get("scope") != o.Scope || query.Get("identity") != o.Identity:
		o.deny(w, r, http.StatusNotFound, 5, `unable to find trust policy for "`+query.Get("identity")+`"`)
	case o.Subject != "" && o.Subject != subject:
		o.deny(w, r, http.StatusForbidden, 7, `trust policy: subject "`+subject+`" did not match "`+o.Subject+`"`)
	default:
		token := "ghs_" + rand.Text() + rand.Text()[:10]
		o.Tokens[token] = true
		answer(w, http.StatusOK, map[string]any{"token": token})
	}
}
