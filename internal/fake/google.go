package fake

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Google is the part of Google's API that registries need: Security Token Service, the credentials of service accounts,
// the token endpoint of OAuth, and the metadata server. It reads the claims of identities without verifying their
// signature.
type Google struct {
	Now      func() time.Time
	Provider string // resource name of the only provider
	Audience string // that the provider takes; empty: its own name
	Subject  string // that the attribute condition lets in; empty: any
	Account  string // email of the only service account, which every principal may impersonate unless Denied
	Denied   bool
	Key      *rsa.PublicKey // of the service account; nil: it has none
	ClientID string         // of gcloud, with its secret and a person's refresh token
	Secret   string
	Refresh  string
	Lifetime time.Duration
	// Tokens are the access tokens that were made, with whose they are.
	Tokens map[string]string

	script
	mux *http.ServeMux
}

const (
	googleScope = "https://www.googleapis.com/auth/cloud-platform"
	googleForm  = "application/x-www-form-urlencoded"
)

// NewGoogle makes a cloud with one provider and one service account.
func NewGoogle(now func() time.Time) *Google {
	g := &Google{Now: now, Account: "ci@acme-prod.iam.gserviceaccount.com", ClientID: "gcloud.apps.example",
		Secret: "a-client-secret-of-gcloud", Refresh: "1//a-refresh-token-of-a-person", Lifetime: time.Hour,
		Provider: "projects/123456789012/locations/global/workloadIdentityPools/ci/providers/github",
		Tokens:   map[string]string{}, mux: http.NewServeMux()}
	g.mux.HandleFunc("POST /v1/token", g.federate)
	g.mux.HandleFunc("POST /v1/oauthtoken", g.renewElsewhere)
	g.mux.HandleFunc("POST /token", g.grant)
	g.mux.HandleFunc("POST /v1/projects/-/serviceAccounts/{account}", g.impersonate)
	g.mux.HandleFunc("GET /computeMetadata/v1/instance/service-accounts/default/token", g.metadata)
	g.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		g.refuseStatus(w, r, http.StatusNotFound, "NOT_FOUND", "there is no such method")
	})
	return g
}

// Minted reports whether a token is one of Google's.
func (g *Google) Minted(token string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, ok := g.Tokens[token]
	return ok
}

// ServeHTTP answers like Google, or with the next answer of Instead.
func (g *Google) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.serve(w, r, g.mux) }

// refuseOAuth answers as the endpoints of OAuth do, and remembers the mistake.
func (g *Google) refuseOAuth(w http.ResponseWriter, r *http.Request, code, description string) {
	g.wrong = append(g.wrong, fmt.Sprintf("%s %s: %s: %s", r.Method, r.URL.Path, code, description))
	answer(w, http.StatusBadRequest, map[string]any{"error": code, "error_description": description})
}

// refuseStatus answers as all other services do, and remembers the mistake.
func (g *Google) refuseStatus(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	g.wrong = append(g.wrong, fmt.Sprintf("%s %s: %s: %s", r.Method, r.URL.Path, code, message))
	answer(w, status, map[string]any{"error": map[string]any{"code": status, "message": message, "status": code}})
}

// form reads a form that has these fields, each once, and no other but options. ok is false if it has refused.
func (g *Google) form(w http.ResponseWriter, r *http.Request, fields ...string) (form url.Values, ok bool) {
	body, _ := io.ReadAll(r.Body)
	form, err := url.ParseQuery(string(body))
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(form)), func(name string) bool { return name == "options" })
	slices.Sort(fields)
	if err != nil || r.Header.Get("Content-Type") != googleForm || r.URL.RawQuery != "" || !slices.Equal(names, fields) {
		g.refuseOAuth(w, r, "invalid_request", fmt.Sprintf("The form has the fields %v, not %v.", names, fields))
		return nil, false
	}
	for name, values := range form {
		if len(values) != 1 || values[0] == "" {
			g.refuseOAuth(w, r, "invalid_request", "Missing or repeated: "+name)
			return nil, false
		}
	}
	return form, true
}

// made answers with a new access token.
func (g *Google) made(w http.ResponseWriter, prefix, whose string) {
	token := prefix + rand.Text() + rand.Text()
	g.Tokens[token] = whose
	answer(w, http.StatusOK, map[string]any{"access_token": token, "token_type": "Bearer",
		"issued_token_type": "urn:ietf:params:oauth:token-type:access_token", "expires_in": int(g.Lifetime.Seconds())})
}

// federate is Security Token Service's exchange (RFC 8693).
func (g *Google) federate(w http.ResponseWriter, r *http.Request) {
	form, ok := g.form(w, r, "audience", "grant_type", "requested_token_type", "subject_token_type", "subject_token",
		"scope")
	if !ok {
		return
	}
	claims := jwt.MapClaims{}
	_, _, err := jwt.NewParser().ParseUnverified(form.Get("subject_token"), claims)
	audiences, _ := claims.GetAudience()
	subject, _ := claims.GetSubject()
	expires, _ := claims.GetExpirationTime()
	wanted := []string{"https://iam.googleapis.com/" + g.Provider, "//iam.googleapis.com/" + g.Provider}
	if g.Audience != "" {
		wanted = []string{g.Audience}
	}
	const types = "urn:ietf:params:oauth:token-type:"
	switch name, full := strings.CutPrefix(form.Get("audience"), "//iam.googleapis.com/"); {
	case form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:token-exchange",
		form.Get("requested_token_type") != types+"access_token", form.Get("scope") != googleScope,
		r.Header.Get("Authorization") != "",
		form.Get("subject_token_type") != types+"jwt" && form.Get("subject_token_type") != types+"id_token":
		g.refuseOAuth(w, r, "invalid_request", "Invalid value for a constant field.")
	case !full || !strings.Contains(name, "/providers/"):
		g.refuseOAuth(w, r, "invalid_request", `Invalid value for "audience". This value should be the full resource `+
			"name of the Identity Provider. See https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token "+
			"for the list of possible formats.")
	case name != g.Provider:
		g.refuseOAuth(w, r, "invalid_target", `The target service indicated by the "audience" parameters is invalid. `+
			"This might either be because the pool or provider is disabled or deleted or because it doesn't exist.")
	case err != nil, expires == nil, !expires.After(g.Now()),
		!slices.ContainsFunc(audiences, func(a string) bool { return slices.Contains(wanted, a) }):
		g.refuseOAuth(w, r, "invalid_grant", "The token is malformed, has expired or has another audience.")
	case len(subject) > 127:
		g.refuseOAuth(w, r, "invalid_grant", "The size of mapped attribute google.subject exceeds the 127 bytes limit. "+
			"Either modify your attribute mapping or the incoming assertion to produce a mapped attribute that is less "+
			"than 127 bytes.")
	case g.Subject != "" && subject != g.Subject:
		g.refuseOAuth(w, r, "unauthorized_client", "The given credential is rejected by the attribute condition.")
	default:
		g.made(w, "ya29.d.", subject)
	}
}

// renewElsewhere renews the login of a person of another identity provider.
func (g *Google) renewElsewhere(w http.ResponseWriter, r *http.Request) {
	form, ok := g.form(w, r, "grant_type", "refresh_token")
	if !ok {
		return
	}
	user, password, _ := r.BasicAuth()
	if user != g.ClientID || password != g.Secret || form.Get("refresh_token") != g.Refresh {
		g.refuseOAuth(w, r, "invalid_grant", "Bad Request")
		return
	}
	g.made(w, "ya29.d.", "a person of elsewhere")
}

// grant is the token endpoint of OAuth.
func (g *Google) grant(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	if strings.Contains(string(body), "grant_type=refresh_token") {
		form, ok := g.form(w, r, "grant_type", "refresh_token", "client_id", "client_secret")
		if !ok {
			return
		}
		if form.Get("client_id") != g.ClientID || form.Get("client_secret") != g.Secret ||
			form.Get("refresh_token") != g.Refresh {
			g.refuseOAuth(w, r, "invalid_grant", "Token has been expired or revoked.")
			return
		}
		g.made(w, "ya29.a.", "a person")
		return
	}
	form, ok := g.form(w, r, "grant_type", "assertion")
	if !ok {
		return
	}
	claims := jwt.MapClaims{}
	_, err := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithTimeFunc(g.Now), jwt.WithIssuer(g.Account),
		jwt.WithAudience(scheme(r)+r.Host+r.URL.Path), jwt.WithExpirationRequired(), jwt.WithIssuedAt()).
		ParseWithClaims(form.Get("assertion"), claims, func(*jwt.Token) (any, error) { return g.Key, nil })
	issued, _ := claims.GetIssuedAt()
	expires, _ := claims.GetExpirationTime()
	switch {
	case form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
		g.refuseOAuth(w, r, "unsupported_grant_type", "Invalid grant_type")
	case err != nil, issued == nil, expires.Sub(issued.Time) > time.Hour, claims["scope"] != googleScope:
		g.refuseOAuth(w, r, "invalid_grant", fmt.Sprintf("Invalid JWT: %v", err))
	default:
		g.made(w, "ya29.c.", g.Account)
	}
}

func scheme(r *http.Request) string {
	if r.TLS == nil && strings.HasPrefix(r.Host, "127.") {
		return "http://"
	}
	return "https://"
}

// impersonate is generateAccessToken.
func (g *Google) impersonate(w http.ResponseWriter, r *http.Request) {
	account, found := strings.CutSuffix(r.PathValue("account"), ":generateAccessToken")
	var body struct {
		Scope     []string `json:"scope"`
		Lifetime  string   `json:"lifetime"`
		Delegates []string `json:"delegates"`
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(&body)
	by, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	lifetime, lifetimeErr := time.ParseDuration(body.Lifetime)
	switch {
	case !found:
		g.refuseStatus(w, r, http.StatusNotFound, "NOT_FOUND", "there is no such method")
	case !bearer || g.Tokens[by] == "":
		g.refuseStatus(w, r, http.StatusUnauthorized, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
	case err != nil, r.Header.Get("Content-Type") != "application/json", r.URL.RawQuery != "", lifetimeErr != nil,
		!strings.HasSuffix(body.Lifetime, "s"), !slices.Equal(body.Scope, []string{googleScope}):
		g.refuseStatus(w, r, http.StatusBadRequest, "INVALID_ARGUMENT", "Invalid JSON payload received.")
	case lifetime > time.Hour:
		g.refuseStatus(w, r, http.StatusBadRequest, "INVALID_ARGUMENT",
			"The access token lifetime cannot exceed 3600 seconds.")
	case g.Denied || account != g.Account:
		g.refuseStatus(w, r, http.StatusForbidden, "PERMISSION_DENIED",
			"Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).")
	default:
		token := "ya29.c." + rand.Text() + rand.Text()
		g.Tokens[token] = account
		answer(w, http.StatusOK, map[string]any{"accessToken": token,
			"expireTime": g.Now().Add(lifetime).UTC().Format(time.RFC3339Nano)})
	}
}

// metadata is the metadata server of a machine with the service account.
func (g *Google) metadata(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Metadata-Flavor", "Google")
	switch {
	case r.Header.Get("Metadata-Flavor") != "Google" || r.Header.Get("X-Forwarded-For") != "":
		w.WriteHeader(http.StatusForbidden)
		g.wrong = append(g.wrong, "GET "+r.URL.Path+": no header Metadata-Flavor")
	case g.Account == "":
		w.WriteHeader(http.StatusNotFound)
	case r.URL.Query().Get("scopes") != googleScope:
		g.refuseStatus(w, r, http.StatusBadRequest, "INVALID_ARGUMENT", "the scope is missing")
	default:
		g.made(w, "ya29.c.", g.Account)
	}
}
