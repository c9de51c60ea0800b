package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
)

func githubToken(ctx context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	return actionsToken(ctx, env, audience, githubMissing)
}

// The variables of a runner's token service.
const actionsURL, actionsPassword = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"

// actionsToken asks the token service of a runner of GitHub, or of a server that speaks its protocol. The URL may have
// a query already, so the audience is set in that query and not appended. missing explains why there is no service.
// https://docs.github.com/en/actions/reference/security/oidc
func actionsToken(ctx context.Context, env *regpass.Env, audience string,
	missing func(*regpass.Env, string) error) (regpass.Secret, error) {
	if env.Getenv(actionsURL) == "" || env.Getenv(actionsPassword) == "" {
		return regpass.Secret{}, missing(env, audience)
	}
	u, bearer, err := tokenService(env, actionsURL, actionsPassword)
	if err != nil {
		return regpass.Secret{}, err
	}
	query := u.Query()
	query.Set("audience", audience)
	u.RawQuery = query.Encode()
	return askForToken(ctx, env, "value", regpass.Request{Method: http.MethodGet, URL: u, Bearer: bearer})
}

func githubSetup(audience string) string {
	const format = "permissions:\n  contents: read\n  id-token: write  # to ask for an ID token for %s"
	return fmt.Sprintf(format, regpass.Quote(audience))
}

// githubMissing explains why the runner offers no token service to this job.
func githubMissing(env *regpass.Env, audience string) error {
	const variables = actionsURL + " and " + actionsPassword
	switch {
	case !ci.GitHub.Detect(env):
		err := regpass.NoIdentityf("this is not a job of GitHub Actions, or its variables are not passed on")
		return regpass.Hintf(err, "in a container that the job starts itself, pass on %s", variables)
	case githubFork(env):
		err := regpass.NoIdentityf("GitHub gives no ID token to a pull request from a fork")
		return regpass.Hintf(err, "leave this step out for forks:\n%s", // in the other events of the workflow it runs
			"if: github.event_name != 'pull_request' || github.event.pull_request.head.repo.full_name == github.repository")
	case env.Getenv("GITHUB_ACTOR") == "dependabot[bot]":
		err := regpass.NoIdentityf("GitHub gives no ID token to this run of Dependabot, which has read-only permissions")
		return regpass.Hintf(err, "leave this step out for Dependabot:\nif: github.actor != 'dependabot[bot]'\n%s",
			"or store an API key of the registry among the repository's Dependabot secrets")
	}
	err := regpass.NoIdentityf("this job may not ask for an ID token: %s are not both set", variables)
	const format = "add to the job, and to the job that calls it if this is a reusable workflow:\n%s\n" +
		"in a container that the job starts itself, also pass on %s"
	return regpass.Hintf(err, format, githubSetup(audience), variables)
}

// maxEvent is the size of the largest event file that is read, in bytes: GitHub limits a webhook's payload to 25 MB.
const maxEvent = 25 << 20

// githubFork reports whether the event is a pull request from a fork. The field fork is not enough: in a repository
// that is itself a fork, it is also true for the repository's own branches.
func githubFork(env *regpass.Env) bool {
	if env.Getenv("GITHUB_EVENT_NAME") != "pull_request" {
		return false
	}
	text, err := regpass.ReadPlain(env.Getenv("GITHUB_EVENT_PATH"), maxEvent)
	if err != nil {
		return false
	}
	type side struct {
		Repo struct {
			Fork     bool   `json:"fork"`
			FullName string `json:"full_name"`
		} `json:"repo"`
	}
	var event struct {
		PullRequest struct{ Head, Base side } `json:"pull_request"`
	}
	if json.Unmarshal(text, &event) != nil {
		return false
	}
	head, base := event.PullRequest.Head.Repo, event.PullRequest.Base.Repo
	return head.Fork && (head.FullName == "" || head.FullName != base.FullName)
}
