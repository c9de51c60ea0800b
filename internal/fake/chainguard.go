package fake

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Chainguard is issuer.enforce.dev, which exchanges identities.
type Chainguard struct {
	Now      func() time.Time
	Identity string // the only assumable identity
	Service  string // audience of its tokens
	Audience string // of identities
	Subject  string // that the identity trusts; empty: any
	Lifetime time.Duration

	script
}

// NewChainguard makes a token service with one assumable identity.
func NewChainguard(now func() time.Time) *Chainguard {
	return &Chainguard{Now: now, Identity: "720909c9f5279097d847ad02a2f24ba8f59de36a/b6461e99e132298f",
		Service: "cgr.dev", Audience: "issuer.enforce.dev", Lifetime: time.Hour}
}

// ServeHTTP answers like issuer.enforce.dev, or with the next answer of Instead.
func (c *Chainguard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.serve(w, r, http.HandlerFunc(c.token))
}

// no answers a refusal as gRPC's gateway does, and remembers the mistake.
func (c *Chainguard) no(w http.ResponseWriter, r *http.Request, status, code int, text string) {
	c.wrong = append(c.wrong, r.Method+" "+r.URL.Path+": "+text)
	answer(w, status, map[string]any{"code": code, "message": text, "details": []any{}})
}

func (c *Chainguard) token(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, err := url.ParseQuery(string(body))
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	id, sound := readID(token)
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/sts/exchange" || r.URL.RawQuery != "":
		c.no(w, r, http.StatusNotFound, 5, "Not Found")
	case err != nil || len(form) != 2 || form.Get("aud") != c.Service ||
		r.Header.Get("Content-Type") != "application/x-www-form-urlencoded":
		c.no(w, r, http.StatusBadRequest, 3, "not the fields aud and identity alone")
	case !bearer || !sound || !id.is(c.Audience, ""):
		c.no(w, r, http.StatusUnauthorized, 16, "the token is not valid")
	case form.Get("identity") != c.Identity || !id.is(c.Audience, c.Subject):
		c.no(w, r, http.StatusForbidden, 7, "the identity cannot be assumed")
	default:
		end := c.Now().Add(c.Lifetime)
		answer(w, http.StatusOK, map[string]any{"token": mintJWT(map[string]any{"aud": c.Service, "sub": c.Identity,
			"iss": "https://issuer.enforce.dev", "exp": end.Unix(), "jti": uuid()}),
			"expiry": end.UTC().Format(time.RFC3339)})
	}
}
