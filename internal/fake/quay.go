package fake

import (
	"net/http"
	"time"
)

// Quay is the endpoint of Quay that gives a robot account a token for an identity.
type Quay struct {
	Now      func() time.Time
	Host     string // its own name, the audience of its tokens
	Robot    string // the only robot account
	Issuer   string // that the robot trusts; empty: any
	Subject  string // that the robot trusts; empty: any
	Bare     bool   // the robot trusts no issuer yet
	Lifetime time.Duration

	script
}

// NewQuay makes a Quay with one robot account.
func NewQuay(now func() time.Time) *Quay {
	return &Quay{Now: now, Host: "quay.io", Robot: "acme+ci", Lifetime: time.Hour}
}

// ServeHTTP answers like Quay, or with the next answer of Instead.
func (q *Quay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q.serve(w, r, http.HandlerFunc(q.token))
}

// no answers a refusal, and remembers the mistake. The texts are those of quay ffba0c7,
// util/security/federated_robot_auth.py.
func (q *Quay) no(w http.ResponseWriter, r *http.Request, status int, text string) {
	q.wrong = append(q.wrong, r.Method+" "+r.URL.Path+": "+text)
	answer(w, status, map[string]any{"error": text})
}

func (q *Quay) token(w http.ResponseWriter, r *http.Request) {
	robot, token, ok := r.BasicAuth()
	id, sound := readID(token)
	switch {
	case r.Method != http.MethodGet || r.URL.Path != "/oauth2/federation/robot/token" || r.URL.RawQuery != "":
		q.no(w, r, http.StatusNotFound, "Not Found")
	case !ok || robot != q.Robot:
		q.no(w, r, http.StatusUnauthorized, "Invalid robot")
	case q.Bare:
		q.no(w, r, http.StatusUnauthorized, "Robot does not have federated login configured")
	case !sound:
		q.no(w, r, http.StatusUnauthorized, "Invalid token: Not enough segments")
	case q.Issuer != "" && id.issuer != q.Issuer:
		q.no(w, r, http.StatusUnauthorized, "issuer "+id.issuer+" not configured for this robot")
	case q.Subject != "" && id.subject != q.Subject:
		q.no(w, r, http.StatusUnauthorized, "Token does not match robot")
	default:
		answer(w, http.StatusOK, map[string]any{"token": mintJWT(map[string]any{"iss": "quay", "aud": q.Host,
			"sub": q.Robot, "exp": q.Now().Add(q.Lifetime).Unix(), "jti": uuid()})})
	}
}
