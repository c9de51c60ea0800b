package fake

import (
	"crypto/rand"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Forge is the token service of Forgejo or Gitea for one job, and the issuer behind it. It speaks the protocol of
// GitHub's runners.
type Forge struct {
	*Issuer
	// Claims replace those of the job in every token; one that is nil is left out.
	Claims map[string]any

	script
	flags    []string          // variables that say which server it is
	path     string            // of the token service
	query    string            // of the URL in the job's variable
	own      map[string]string // the query besides the audience
	subject  string
	password string // ACTIONS_ID_TOKEN_REQUEST_TOKEN
}

// NewForgejo makes a job with `enable-openid-connect: true`. The caller serves it, sets the URL of issuer, and passes
// the fake's URL to Environ. Forgejo's issuer is its URL with /api/actions at the end.
func NewForgejo(issuer *Issuer) *Forge {
	return &Forge{Issuer: issuer, flags: []string{"FORGEJO_ACTIONS=true", "GITEA_ACTIONS=true"},
		path: "/api/actions/_apis/pipelines/workflows/792/idtoken", query: "?placeholder=true",
		own: map[string]string{"placeholder": "true"}, subject: "repo:acme-5/app-4:ref:refs/heads/main",
		password: rand.Text()}
}

// forgeClaims are the values that are both variables and claims of the job.
var forgeClaims = map[string]string{
	"event_name":       "push",
	"ref":              "refs/heads/main",
	"repository":       "acme/app",
	"repository_owner": "acme",
	"run_id":           "792",
	"sha":              "10b9a3f1c6e2d4857f0a9b8c7d6e5f4a3b2c1d0e",
}

// Environ lists the variables of the job, NAME=value. url is the address of the fake.
func (f *Forge) Environ(url string) []string {
	vars := append([]string{
		"CI=true",
		"GITHUB_ACTIONS=true",
		"GITHUB_JOB=build",
		"GITHUB_SERVER_URL=" + url,
		"ACTIONS_RUNTIME_TOKEN=" + rand.Text(),
		"ACTIONS_ID_TOKEN_REQUEST_URL=" + url + f.path + f.query,
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN=" + f.password,
	}, f.flags...)
	for name, value := range forgeClaims {
		vars = append(vars, "GITHUB_"+strings.ToUpper(name)+"="+value)
	}
	slices.Sort(vars)
	return vars
}

// ServeHTTP answers a request for a token.
func (f *Forge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.serve(w, r, http.HandlerFunc(f.token))
}

func (f *Forge) token(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	audience := query.Get("audience")
	query.Del("audience")
	scheme, password, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	body, err := io.ReadAll(io.LimitReader(r.Body, 1))
	switch {
	case r.URL.Path != f.path || r.Method != http.MethodGet:
		f.refuse(w, r, http.StatusNotFound, "Not Found", "no such endpoint")
	case !strings.EqualFold(scheme, "bearer") || password != f.password:
		f.refuse(w, r, http.StatusUnauthorized, "Unauthorized", "not this job's token")
	case audience == "" || len(audience) > 255 || !maps.EqualFunc(query, f.own, only):
		f.refuse(w, r, http.StatusBadRequest, "Bad Request", "the query is not that of the variable with an audience")
	case err != nil || len(body) > 0:
		f.refuse(w, r, http.StatusBadRequest, "Bad Request", "a request for a token has no body")
	default:
		value, err := f.Sign(f.claims(audience))
		if err != nil {
			f.refuse(w, r, http.StatusInternalServerError, "Internal Server Error", err.Error())
			return
		}
		writeJSON(w, map[string]any{"value": value.Reveal()})
	}
}

// only reports whether a query has one value for a name, and which.
func only(got []string, want string) bool { return slices.Equal(got, []string{want}) }

// claims are those of a push to a branch. All values but the times are strings.
func (f *Forge) claims(audience string) map[string]any {
	now := f.Now()
	claims := map[string]any{
		"sub":                 f.subject,
		"aud":                 audience,
		"actor":               "octocat",
		"base_ref":            "",
		"head_ref":            "",
		"ref_protected":       "true",
		"ref_type":            "branch",
		"repository_id":       "4",
		"repository_owner_id": "5",
		"run_attempt":         "1",
		"run_number":          "10",
		"workflow":            "build.yml",
		"workflow_ref":        "acme/app/.forgejo/workflows/build.yml@refs/heads/main",
		"iat":                 now.Unix(),
		"nbf":                 now.Unix(),
		"exp":                 now.Add(5 * time.Minute).Unix(),
	}
	for name, value := range forgeClaims {
		claims[name] = value
	}
	return merged(claims, f.Claims)
}
