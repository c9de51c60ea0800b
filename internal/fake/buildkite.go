package fake

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Buildkite is the service that gives an agent the ID tokens of one job, and the issuer behind it
// (https://buildkite.com/docs/agent/v3/cli-oidc). The request is that of buildkite/agent, api/oidc.go.
type Buildkite struct {
	*Issuer
	// Claims replace those of the job in every token; one that is nil is left out.
	Claims map[string]any

	script
	job, access string
}

// NewBuildkite makes a job. The caller serves it, sets the URL of issuer, and passes the fake's URL to Environ.
func NewBuildkite(issuer *Issuer) *Buildkite {
	return &Buildkite{Issuer: issuer, job: uuid(), access: rand.Text()}
}

// Environ lists the variables of the job, NAME=value. url is the address of the fake.
func (b *Buildkite) Environ(url string) []string {
	return []string{
		"BUILDKITE=true",
		"BUILDKITE_AGENT_ACCESS_TOKEN=" + b.access,
		"BUILDKITE_AGENT_ENDPOINT=" + url + "/v3",
		"BUILDKITE_BRANCH=main",
		"BUILDKITE_JOB_ID=" + b.job,
		"BUILDKITE_ORGANIZATION_SLUG=acme",
		"BUILDKITE_PIPELINE_SLUG=app",
		"CI=true",
	}
}

// ServeHTTP answers the agent.
func (b *Buildkite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.serve(w, r, http.HandlerFunc(b.token))
}

func (b *Buildkite) token(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Audience string
		Lifetime int // in seconds; 0: five minutes
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(&body)
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/v3/jobs/"+b.job+"/oidc/tokens":
		b.refuse(w, r, http.StatusNotFound, "Not Found", "no such endpoint or job")
	case r.Header.Get("Authorization") != "Token "+b.access:
		b.refuse(w, r, http.StatusUnauthorized, "Unauthorized", "not this job's access token")
	case err != nil || body.Audience == "" || body.Lifetime < 0:
		b.refuse(w, r, http.StatusUnprocessableEntity, "Unprocessable Entity",
			"the body is not a JSON object with audience and lifetime only")
	default:
		token, err := b.Sign(b.claims(body.Audience, time.Duration(cmp.Or(body.Lifetime, 300))*time.Second))
		if err != nil {
			b.refuse(w, r, http.StatusInternalServerError, "Internal Server Error", err.Error())
			return
		}
		writeJSON(w, map[string]any{"token": token.Reveal()})
	}
}

// claims are those of a push to a branch.
func (b *Buildkite) claims(audience string, life time.Duration) map[string]any {
	now := b.Now()
	const commit = "10b9a3f1c6e2d4857f0a9b8c7d6e5f4a3b2c1d0e"
	return merged(map[string]any{
		"sub":                "organization:acme:pipeline:app:ref:refs/heads/main:commit:" + commit + ":step:build",
		"jti":                uuid(),
		"aud":                audience,
		"organization_slug":  "acme",
		"pipeline_slug":      "app",
		"build_number":       7,
		"build_branch":       "main",
		"build_tag":          nil,
		"build_commit":       commit,
		"step_key":           "build",
		"job_id":             b.job,
		"agent_id":           "0192c4a5-6a3b-4f0e-9d3c-1f2e3d4c5b6a",
		"runner_environment": "self-hosted",
		"iat":                now.Unix(),
		"nbf":                now.Unix(),
		"exp":                now.Add(life).Unix(),
	}, b.Claims)
}

// BuildkiteAgent is the program buildkite-agent. It knows only `oidc request-token --audience A [--lifetime SECONDS]`.
func BuildkiteAgent(ctx context.Context, getenv func(string) string, args []string, stdout io.Writer) error {
	body := map[string]any{}
	if len(args) == 6 && args[4] == "--lifetime" {
		seconds, err := strconv.Atoi(args[5])
		if err != nil {
			return fmt.Errorf("buildkite-agent: --lifetime: %w", err)
		}
		body["lifetime"], args = seconds, args[:4]
	}
	if len(args) != 4 || !slices.Equal(args[:3], []string{"oidc", "request-token", "--audience"}) {
		return fmt.Errorf("buildkite-agent: %q: only oidc request-token --audience A --lifetime SECONDS is known", args)
	}
	body["audience"] = args[3]
	url := getenv("BUILDKITE_AGENT_ENDPOINT") + "/jobs/" + getenv("BUILDKITE_JOB_ID") + "/oidc/tokens"
	var answer struct{ Token string }
	err := post(ctx, url, "Token "+getenv("BUILDKITE_AGENT_ACCESS_TOKEN"), body, &answer)
	if err == nil {
		_, err = fmt.Fprintln(stdout, answer.Token)
	}
	return err
}

// post sends a JSON body and reads a JSON answer, as the programs of CI systems do.
func post(ctx context.Context, url, authorization string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", authorization)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return errors.New(res.Status)
	}
	return json.NewDecoder(res.Body).Decode(answer)
}
