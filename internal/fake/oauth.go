package fake

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// OAuth is a server of OAuth 2.0 (RFC 6749) that takes identities by one grant, and revokes its tokens (RFC 7009). Set
// the fields before the first request.
type OAuth struct {
	Issuer       string // its path is part of the endpoints' paths
	Audience     string
	ClientID     string // empty: clients have no names
	ClientSecret string // empty: the client is public
	Post         bool   // the client's secret is in the body
	JSON         bool   // requests are JSON
	OIDC         bool   // the metadata is only where OpenID Connect has it
	Grant        string // grant_type that is taken
	Proof        string // field of the identity
	Fields       map[string]string
	// Metadata replaces values of the metadata.
	Metadata map[string]any
	// Answer is the answer with "TOKEN" for the token; nil: that of RFC 8693.
	Answer func(token string) map[string]any
	Tokens map[string]bool

	script
}

// NewOAuth makes a server that exchanges tokens by RFC 8693.
func NewOAuth(issuer string) *OAuth {
	return &OAuth{Issuer: issuer, Audience: issuer, Grant: "urn:ietf:params:oauth:grant-type:token-exchange",
		Proof:  "subject_token",
		Fields: map[string]string{"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"},
		Tokens: map[string]bool{}}
}

// Live is how many tokens were made, or let in from the start, and have not been revoked.
func (o *OAuth) Live() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.Tokens)
}

// ServeHTTP answers like the server, or with the next answer of Instead.
func (o *OAuth) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.serve(w, r, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		issuer, _ := url.Parse(o.Issuer)
		metadata := "/.well-known/oauth-authorization-server" + issuer.Path
		if o.OIDC {
			metadata = issuer.Path + "/.well-known/openid-configuration"
		}
		switch at := r.Method + " " + r.URL.Path; {
		case r.Host != issuer.Host:
			o.fail(w, r, http.StatusNotFound, "invalid_request", "another server")
		case at == "GET "+metadata:
			answer(w, http.StatusOK, merged(map[string]any{"issuer": o.Issuer, "token_endpoint": o.Issuer + "/token",
				"revocation_endpoint": o.Issuer + "/revoke"}, o.Metadata))
		case at == "POST "+issuer.Path+"/token":
			o.token(w, r)
		case at == "POST "+issuer.Path+"/revoke":
			o.revoke(w, r)
		default:
			http.NotFound(w, r)
		}
	}))
}

// fail answers with an error of RFC 6749, section 5.2, and remembers the mistake.
func (o *OAuth) fail(w http.ResponseWriter, r *http.Request, status int, code, text string) {
	o.wrong = append(o.wrong, r.Method+" "+r.URL.Path+": "+code+": "+text)
	answer(w, status, map[string]any{"error": code, "error_description": text})
}

// body reads the fields of a request, without those that say who the client is. ok is false if it has answered.
func (o *OAuth) body(w http.ResponseWriter, r *http.Request, isJSON bool) (fields map[string]string, ok bool) {
	raw, _ := io.ReadAll(r.Body)
	fields = map[string]string{}
	media := "application/x-www-form-urlencoded"
	if isJSON {
		media = "application/json"
		if err := json.Unmarshal(raw, &fields); err != nil {
			o.fail(w, r, http.StatusBadRequest, "invalid_request", "the body is no JSON of text")
			return nil, false
		}
	} else {
		form, err := url.ParseQuery(string(raw))
		for name, values := range form {
			if fields[name] = values[0]; len(values) > 1 || err != nil {
				o.fail(w, r, http.StatusBadRequest, "invalid_request", "a field is there twice")
				return nil, false
			}
		}
	}
	if r.Header.Get("Content-Type") != media || r.URL.RawQuery != "" {
		o.fail(w, r, http.StatusBadRequest, "invalid_request", "the body is not "+media)
		return nil, false
	}
	id, secret, basic := r.BasicAuth()
	id, _ = url.QueryUnescape(id)
	secret, _ = url.QueryUnescape(secret)
	if !basic {
		id, secret = fields["client_id"], fields["client_secret"]
		delete(fields, "client_id")
		delete(fields, "client_secret")
	}
	if id != o.ClientID || secret != o.ClientSecret || basic != (o.ClientSecret != "" && !o.Post) ||
		!basic && r.Header.Get("Authorization") != "" {
		o.fail(w, r, http.StatusUnauthorized, "invalid_client", "Invalid client or Invalid client credentials")
		return nil, false
	}
	return fields, true
}

func (o *OAuth) token(w http.ResponseWriter, r *http.Request) {
	fields, ok := o.body(w, r, o.JSON)
	if !ok {
		return
	}
	identity := fields[o.Proof]
	claims := jwt.MapClaims{}
	_, _, err := jwt.NewParser().ParseUnverified(identity, claims)
	audiences, _ := claims.GetAudience()
	grant := fields["grant_type"]
	delete(fields, o.Proof)
	delete(fields, "grant_type")
	same := len(fields) == len(o.Fields)
	for name, want := range o.Fields {
		same = same && fields[name] == want
	}
	switch {
	case grant != o.Grant:
		o.fail(w, r, http.StatusBadRequest, "unsupported_grant_type", "Unsupported grant_type")
	case !same:
		o.fail(w, r, http.StatusBadRequest, "invalid_request", "the fields are not those of this server")
	case err != nil || !slices.Contains(audiences, o.Audience):
		o.fail(w, r, http.StatusBadRequest, "invalid_grant", "Invalid token audience")
	case o.accepted[identity]:
		o.fail(w, r, http.StatusBadRequest, "invalid_grant", "Token reuse detected")
	default:
		if o.accepted == nil {
			o.accepted = map[string]bool{}
		}
		o.accepted[identity] = true
		token := "at." + rand.Text() + strings.ToLower(rand.Text())
		o.Tokens[token] = true
		got := map[string]any{"access_token": token, "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
			"token_type": "Bearer", "expires_in": 600}
		if o.Answer != nil {
			got = o.Answer(token)
		}
		answer(w, http.StatusOK, got)
	}
}

// revoke answers 200 for unknown tokens too (RFC 7009, section 2.2).
func (o *OAuth) revoke(w http.ResponseWriter, r *http.Request) {
	fields, ok := o.body(w, r, false)
	if !ok {
		return
	}
	if len(fields) != 2 || fields["token_type_hint"] != "access_token" {
		o.fail(w, r, http.StatusBadRequest, "invalid_request", "the fields are not those of RFC 7009")
		return
	}
	delete(o.Tokens, fields["token"])
	w.WriteHeader(http.StatusOK)
}
