package fake

import (
	"encoding/json"
	"net/http"
	"time"
)

// Cloudsmith is the endpoint of Cloudsmith that takes identities.
type Cloudsmith struct {
	Now      func() time.Time
	Org      string // the only organization
	Service  string // its only service account
	Audience string // of identities
	Subject  string // that the organization trusts; empty: any
	Status   int    // of a success: 200 or 201
	Lifetime time.Duration

	script
}

// NewCloudsmith makes an organization with one service account.
func NewCloudsmith(now func() time.Time) *Cloudsmith {
	return &Cloudsmith{Now: now, Org: "acme", Service: "ci-a1b2", Audience: "cloudsmith", Status: http.StatusCreated,
		Lifetime: 2 * time.Hour}
}

// ServeHTTP answers like api.cloudsmith.io, or with the next answer of Instead.
func (c *Cloudsmith) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.serve(w, r, http.HandlerFunc(c.token))
}

// no answers a refusal, and remembers the mistake.
func (c *Cloudsmith) no(w http.ResponseWriter, r *http.Request, status int, detail string) {
	c.wrong = append(c.wrong, r.Method+" "+r.URL.Path+": "+detail)
	answer(w, status, map[string]any{"detail": detail})
}

func (c *Cloudsmith) token(w http.ResponseWriter, r *http.Request) {
	var body map[string]string
	err := json.NewDecoder(r.Body).Decode(&body)
	id, sound := readID(body["oidc_token"])
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/openid/"+c.Org+"/" || r.URL.RawQuery != "":
		c.no(w, r, http.StatusNotFound, "Not found.")
	case err != nil || len(body) != 2 || r.Header.Get("Content-Type") != "application/json" ||
		r.Header.Get("Authorization") != "" || r.Header.Get("X-Api-Key") != "":
		c.no(w, r, http.StatusBadRequest, "Not the two fields oidc_token and service_slug alone")
	case body["service_slug"] != c.Service:
		c.no(w, r, http.StatusNotFound, "No such service")
	case !sound || !id.is(c.Audience, c.Subject) || c.accepted[body["oidc_token"]]:
		c.no(w, r, http.StatusUnauthorized, "Invalid token")
	default:
		c.accepted = map[string]bool{body["oidc_token"]: true}
		answer(w, c.Status, map[string]any{"token": mintJWT(map[string]any{"sub": c.Service, "iss": "cloudsmith",
			"exp": c.Now().Add(c.Lifetime).Unix(), "jti": uuid()})})
	}
}
