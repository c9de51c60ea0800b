package fake

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// CircleCI is a job of CircleCI, and the issuer that all organizations share
// (https://circleci.com/docs/guides/permissions-authentication/oidc-tokens-with-custom-claims/). The request of the
// real program is not published, so ours asks a server of our own.
type CircleCI struct {
	*Issuer
	// Claims replace those of the job in every token; one that is nil is left out.
	Claims map[string]any

	script
	job, access string
}

// NewCircleCI makes a job. The caller serves it, sets the URL of issuer, and passes the fake's URL to Environ.
func NewCircleCI(issuer *Issuer) *CircleCI {
	return &CircleCI{Issuer: issuer, job: uuid(), access: rand.Text()}
}

// The variables from which the program knows its server.
const circleURL, circleAccess = "FAKE_CIRCLECI_URL", "FAKE_CIRCLECI_ACCESS"

// Environ lists the variables of the job, NAME=value. url is the address of the fake.
func (c *CircleCI) Environ(url string) []string {
	return []string{
		"CI=true",
		"CIRCLECI=true",
		"CIRCLE_BRANCH=main",
		"CIRCLE_NODE_INDEX=0",
		"CIRCLE_OIDC_TOKEN=not-for-us", // its audience is the organization's id
		"CIRCLE_OIDC_TOKEN_V2=not-for-us",
		"CIRCLE_WORKFLOW_JOB_ID=" + c.job,
		circleAccess + "=" + c.access,
		circleURL + "=" + url,
	}
}

// ServeHTTP answers the program.
func (c *CircleCI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.serve(w, r, http.HandlerFunc(c.token))
}

func (c *CircleCI) token(w http.ResponseWriter, r *http.Request) {
	audience, ok := "", false
	if r.Header.Get("Authorization") == c.access {
		r.Header.Del("Authorization")
		audience, ok = c.field(w, r, "aud")
	} else {
		c.refuse(w, r, http.StatusUnauthorized, "Unauthorized", "not this job's program")
	}
	if !ok {
		return
	}
	token, err := c.Sign(c.claims(audience))
	if err != nil {
		c.refuse(w, r, http.StatusInternalServerError, "Internal Server Error", err.Error())
		return
	}
	writeJSON(w, map[string]any{"token": token.Reveal()})
}

// claims are those of a push to a branch. A token lives an hour.
func (c *CircleCI) claims(audience string) map[string]any {
	const organization, project = "c9035eb6-6eb2-4c85-8a81-d9ee6a1fa8c2", "ecc458d2-fbdc-4d9a-93c4-ac065ed3c3ca"
	const user = "0b8cf0ba-5e4f-4b1c-8a59-3c8ab30aa0c7"
	now := c.Now()
	return merged(map[string]any{
		"sub": "org/" + organization + "/project/" + project + "/user/" + user +
			"/vcs-origin/github.com/acme/app/vcs-ref/refs/heads/main",
		"aud":                          audience,
		"oidc.circleci.com/org-id":     organization,
		"oidc.circleci.com/project-id": project,
		"oidc.circleci.com/job-id":     c.job,
		"oidc.circleci.com/vcs-origin": "github.com/acme/app",
		"oidc.circleci.com/vcs-ref":    "refs/heads/main",
		"oidc.circleci.com/ssh-rerun":  false,
		"iat":                          now.Unix(),
		"exp":                          now.Add(time.Hour).Unix(),
	}, c.Claims)
}

// CircleCIProgram is the program circleci. It knows only `run oidc get --root-issuer --claims JSON`.
func CircleCIProgram(ctx context.Context, getenv func(string) string, args []string, stdout io.Writer) error {
	var claims map[string]any
	known := []string{"run", "oidc", "get", "--root-issuer", "--claims"}
	if len(args) != 6 || !slices.Equal(args[:5], known) || json.Unmarshal([]byte(args[5]), &claims) != nil {
		return fmt.Errorf("circleci: %q: only run oidc get --root-issuer --claims JSON is known", args)
	}
	var answer struct{ Token string }
	err := post(ctx, getenv(circleURL), getenv(circleAccess), claims, &answer)
	if err == nil {
		_, err = fmt.Fprintln(stdout, answer.Token)
	}
	return err
}
