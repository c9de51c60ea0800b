package fake

import (
	"crypto/rand"
	"io"
	"net/http"
	"strings"
	"time"
)

// Codefresh is a step of a Codefresh build, and the service that gives it tokens
// (https://codefresh.io/docs/docs/integrations/oidc-pipelines/). The request is that of the step obtain-oidc-id-token.
type Codefresh struct {
	*Issuer
	// Claims replace those of the build in every token; one that is nil is left out.
	Claims map[string]any

	script
	build, access string
}

// NewCodefresh makes a build. The caller serves it, sets the URL of issuer, and passes the fake's URL to Environ.
func NewCodefresh(issuer *Issuer) *Codefresh {
	return &Codefresh{Issuer: issuer, build: uuid(), access: rand.Text()}
}

// Environ lists the variables of the step, NAME=value. url is the address of the fake.
func (c *Codefresh) Environ(url string) []string {
	return []string{
		"CF_BRANCH=main",
		"CF_BUILD_ID=" + c.build,
		"CF_OIDC_REQUEST_TOKEN=" + c.access,
		"CF_OIDC_REQUEST_URL=" + url + "/api/oidc/token",
		"CI=true",
	}
}

// ServeHTTP answers a request for a token.
func (c *Codefresh) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.serve(w, r, http.HandlerFunc(c.token))
}

func (c *Codefresh) token(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	audience := query.Get("audience")
	body, err := io.ReadAll(io.LimitReader(r.Body, 1))
	switch {
	case r.URL.Path != "/api/oidc/token" || r.Method != http.MethodGet:
		c.refuse(w, r, http.StatusNotFound, "Not Found", "no such endpoint")
	case r.Header.Get("Authorization") != c.access: // without a scheme
		c.refuse(w, r, http.StatusUnauthorized, "Unauthorized", "not this build's token")
	case len(query) != 1 || !only(query["audience"], audience) || audience == "":
		c.refuse(w, r, http.StatusBadRequest, "Bad Request", "the query is not an audience alone")
	case strings.Contains(audience, ","):
		c.refuse(w, r, http.StatusBadRequest, "Bad Request", "a token for several audiences, which could pass it on")
	case err != nil || len(body) > 0:
		c.refuse(w, r, http.StatusBadRequest, "Bad Request", "a request for a token has no body")
	default:
		token, err := c.Sign(c.claims(audience))
		if err != nil {
			c.refuse(w, r, http.StatusInternalServerError, "Internal Server Error", err.Error())
			return
		}
		writeJSON(w, map[string]any{"id_token": token.Reveal()})
	}
}

// claims are those of a push to a branch. A token lives five minutes, and has neither jti nor nbf.
func (c *Codefresh) claims(audience string) map[string]any {
	const account, pipeline, repository = "5f30ebd30312313ae7f17948", "64de5cd47626b3ca134e760a",
		"https://github.com/acme/app"
	now := c.Now()
	return merged(map[string]any{
		"sub": "account:" + account + ":pipeline:" + pipeline + ":scm_repo_url:" + repository +
			":scm_user_name:octocat:scm_ref:main",
		"aud":           audience,
		"account_id":    account,
		"account_name":  "acme",
		"pipeline_id":   pipeline,
		"pipeline_name": "app/build",
		"workflow_id":   c.build,
		"scm_user_name": "octocat",
		"scm_repo_url":  repository,
		"scm_ref":       "main",
		"iat":           now.Unix(),
		"exp":           now.Add(5 * time.Minute).Unix(),
	}, c.Claims)
}
