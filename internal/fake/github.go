package fake

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// GitHub is the token service of a GitHub Actions runner for one job with the permission `id-token: write`, and the
// issuer behind it (https://docs.github.com/en/actions/reference/security/oidc).
type GitHub struct {
	*Issuer
	// Claims replace those of the job in every token; one that is nil is left out. Use SetClaims to change them while
	// the service runs.
	Claims map[string]any

	path     string
	password string // ACTIONS_ID_TOKEN_REQUEST_TOKEN

	mu      sync.Mutex // guards the fields below, and Claims
	wrong   []string
	failing []int
	tokens  int
}

// NewGitHub makes the service of a job. The caller serves it and sets the URL of issuer.
func NewGitHub(issuer *Issuer) *GitHub {
	return &GitHub{
		Issuer:   issuer,
		path:     "/_apis/distributedtask/hubs/Actions/plans/" + uuid() + "/jobs/" + uuid() + "/idtoken",
		password: rand.Text() + "." + rand.Text() + "." + rand.Text(),
	}
}

// githubJob holds the values that are both variables and claims of the job.
var githubJob = map[string]string{
	"actor":            "octocat",
	"event_name":       "push",
	"ref":              "refs/heads/main",
	"repository":       "acme/app",
	"repository_id":    "74",
	"repository_owner": "acme",
	"run_id":           "19284765301",
	"sha":              "10b9a3f1c6e2d4857f0a9b8c7d6e5f4a3b2c1d0e",
	"workflow_ref":     "acme/app/.github/workflows/release.yml@refs/heads/main",
}

// Environ lists the variables of the job, NAME=value.
func (g *GitHub) Environ() []string {
	vars := []string{
		"CI=true",
		"GITHUB_ACTIONS=true",
		"GITHUB_SERVER_URL=https://github.com",
		"ACTIONS_ID_TOKEN_REQUEST_URL=" + g.URL + g.path + "?api-version=2.0",
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN=" + g.password,
	}
	for name, value := range githubJob {
		vars = append(vars, "GITHUB_"+strings.ToUpper(name)+"="+value)
	}
	slices.Sort(vars)
	return vars
}

// SetClaims replaces Claims, as if the service now had another job.
func (g *GitHub) SetClaims(claims map[string]any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.Claims = claims
}

// FailNext answers the next n requests for a token with status.
func (g *GitHub) FailNext(n, status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failing = append(g.failing, slices.Repeat([]int{status}, n)...)
}

// Wrong lists the mistakes in the requests so far.
func (g *GitHub) Wrong() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.wrong)
}

// Tokens counts the tokens given so far.
func (g *GitHub) Tokens() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.tokens
}

// ServeHTTP answers a request for a token as the service does, and serves the issuer's documents.
func (g *GitHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/.well-known/") {
		g.Issuer.ServeHTTP(w, r)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if status, why := g.check(r); status != 0 {
		g.wrong = append(g.wrong, fmt.Sprintf("%s %s: %s", r.Method, r.URL, why))
		refuse(w, status, why)
		return
	}
	if len(g.failing) > 0 {
		status := g.failing[0]
		g.failing = g.failing[1:]
		refuse(w, status, "The service is temporarily unavailable.")
		return
	}
	token, err := g.Sign(g.claims(r.URL.Query().Get("audience")))
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	g.tokens++
	value := token.Reveal()
	answer(w, http.StatusOK, map[string]any{"count": len(value), "value": value})
}

// check returns the status of a refusal and its reason, or zero. It is stricter than GitHub, which falls back to the
// URL of the repository's owner if a request names no audience.
func (g *GitHub) check(r *http.Request) (status int, why string) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1))
	query := r.URL.Query()
	audience := query["audience"]
	scheme, password, _ := strings.Cut(r.Header.Get("Authorization"), " ") // a scheme has no case (RFC 9110 section 11.1)
	switch {
	case r.URL.Path != g.path:
		return http.StatusNotFound, "The controller for path '" + r.URL.Path + "' was not found."
	case r.Method != http.MethodGet:
		return http.StatusMethodNotAllowed, "The requested resource does not support http method '" + r.Method + "'."
	case len(r.Header["Authorization"]) != 1 || !strings.EqualFold(scheme, "bearer") || password != g.password:
		return http.StatusUnauthorized, "TF400813: The user '' is not authorized to access this resource."
	case !slices.Equal(query["api-version"], []string{"2.0"}):
		return http.StatusBadRequest, fmt.Sprintf("The requested api-version %q is not 2.0.", query["api-version"])
	case len(audience) != 1 || audience[0] == "":
		return http.StatusBadRequest, fmt.Sprintf("Can't issue ID_TOKEN for audience %q.", audience)
	case len(query) != 2:
		return http.StatusBadRequest, "The query holds more than api-version and audience."
	case err != nil || len(body) > 0:
		return http.StatusBadRequest, "A request for a token has no body."
	}
	return 0, ""
}

// refuse answers like the services of Azure DevOps. GitHub's is one of them.
func refuse(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]any{
		"$id": "1", "innerException": nil, "message": message,
		"typeName": "GitHub.DistributedTask.WebApi.OidcException, GitHub.DistributedTask.WebApi",
		"typeKey":  "OidcException", "errorCode": 0, "eventId": 3000,
	})
}

// claims are those of a push to a branch in a job with an environment. GitHub's numbers are strings, and nbf is ten
// minutes before iat.
func (g *GitHub) claims(audience string) map[string]any {
	now := g.Now()
	claims := map[string]any{
		"jti":                   uuid(),
		"sub":                   "repo:" + githubJob["repository"] + ":environment:release",
		"aud":                   audience,
		"environment":           "release",
		"job_workflow_ref":      githubJob["workflow_ref"],
		"job_workflow_sha":      githubJob["sha"],
		"workflow":              "release",
		"workflow_sha":          githubJob["sha"],
		"actor_id":              "583231",
		"base_ref":              "",
		"head_ref":              "",
		"ref_protected":         "true",
		"ref_type":              "branch",
		"repository_owner_id":   "65",
		"repository_visibility": "private",
		"run_attempt":           "1",
		"run_number":            "10",
		"runner_environment":    "github-hosted",
		"iat":                   now.Unix(),
		"nbf":                   now.Add(-10 * time.Minute).Unix(),
		"exp":                   now.Add(5 * time.Minute).Unix(),
	}
	for name, value := range githubJob {
		claims[name] = value
	}
	return merged(claims, g.Claims)
}
