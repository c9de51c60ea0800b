package fake

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"time"
)

// Bitrise is a build on bitrise.io, and the service that gives it tokens. The request is that of the step
// https://github.com/bitrise-steplib/bitrise-step-get-identity-token.
type Bitrise struct {
	*Issuer
	// Claims replace those of the build in every token; one that is nil is left out.
	Claims map[string]any

	script
	build, access string
}

// NewBitrise makes a build. The caller serves it, sets the URL of issuer, and passes the fake's URL to Environ.
func NewBitrise(issuer *Issuer) *Bitrise {
	return &Bitrise{Issuer: issuer, build: uuid(), access: rand.Text()}
}

// Environ lists the variables of the build, NAME=value. url is the address of the fake.
func (b *Bitrise) Environ(url string) []string {
	return []string{
		"BITRISE_BUILD_API_TOKEN=" + b.access,
		"BITRISE_BUILD_SLUG=" + b.build,
		"BITRISE_BUILD_URL=" + url + "/build/" + b.build,
		"BITRISE_GIT_BRANCH=main",
		"BITRISE_IO=true",
		"CI=true",
	}
}

// ServeHTTP answers a request for a token.
func (b *Bitrise) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.serve(w, r, http.HandlerFunc(b.token))
}

func (b *Bitrise) token(w http.ResponseWriter, r *http.Request) {
	var body map[string]string
	text, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(text, &body)
	}
	refuse := func(status int, message string) {
		b.wrong = append(b.wrong, r.Method+" "+r.URL.Path+": "+message)
		answer(w, status, map[string]any{"error_msg": message})
	}
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/build/"+b.build+"/id_token.json" || r.URL.RawQuery != "":
		refuse(http.StatusNotFound, "no such endpoint or build")
	case r.Header.Get("BUILD_API_TOKEN") != b.access || r.Header.Get("Authorization") != b.access:
		refuse(http.StatusUnauthorized, "not this build's token")
	case err != nil || body["aud"] == "" || !maps.Equal(body, map[string]string{"sub": "", "aud": body["aud"]}):
		refuse(http.StatusBadRequest, "the body is not a JSON object with an empty sub and an aud")
	default:
		token, err := b.Sign(b.claims(body["aud"]))
		if err != nil {
			refuse(http.StatusInternalServerError, err.Error())
			return
		}
		writeJSON(w, map[string]any{"id_token": token.Reveal(), "token_type": "Bearer", "expires_in": 600})
	}
}

// claims are as far as they are known: the subject's form is made up.
func (b *Bitrise) claims(audience string) map[string]any {
	now := b.Now()
	return merged(map[string]any{
		"sub":              "build:" + b.build,
		"aud":              audience,
		"app_slug":         "9f3b6c1de0a84f57",
		"repository_owner": "acme",
		"repository_slug":  "app",
		"repository_url":   "https://github.com/acme/app",
		"iat":              now.Unix(),
		"exp":              now.Add(10 * time.Minute).Unix(),
	}, b.Claims)
}
