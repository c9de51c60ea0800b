package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
)

// githubToken asks the runner's token service. The URL from GitHub, and from servers that speak its protocol, has a
// query already, so the audience is set in that query and not appended.
// https://docs.github.com/en/actions/reference/security/oidc
func githubToken(ctx context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	service, password := env.Getenv("ACTIONS_ID_TOKEN_REQUEST_URL"), env.Getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
	if service == "" || password == "" {
		return regpass.Secret{}, githubMissing(env, audience)
	}
	bearer, err := regpass.ParseToken(password)
	if err != nil {
		return regpass.Secret{}, regpass.NoIdentityf("ACTIONS_ID_TOKEN_REQUEST_TOKEN: %w", err)
	}
	env.Mask(bearer)
	u, err := url.Parse(service)
	if err != nil {
		return regpass.Secret{}, regpass.NoIdentityf("ACTIONS_ID_TOKEN_REQUEST_URL is not a URL")
	}
	if err := regpass.CheckEndpoint(u); err != nil {
		return regpass.Secret{}, regpass.NoIdentityf("ACTIONS_ID_TOKEN_REQUEST_URL: %w", err)
	}
	query := u.Query()
	query.Set("audience", audience)
	u.RawQuery = query.Encode()

	request := regpass.Request{Op: "ask for an ID token", Method: http.MethodGet, URL: u, Bearer: bearer}
	var answer struct {
		Value string `json:"value"`
	}
	err = env.Retry(ctx, func(ctx context.Context) error {
		return env.DoJSON(ctx, request, &answer)
	})
	if err != nil {
		return regpass.Secret{}, err
	}
	if answer.Value == "" {
		return regpass.Secret{}, regpass.NoIdentityf("ask for an ID token: the answer of %s has none", u.Host)
	}
	return regpass.NewSecret(answer.Value), nil
}

func githubSetup(audience string) string {
	const format = "permissions:\n  contents: read\n  id-token: write  # to ask for an ID token for %s"
	return fmt.Sprintf(format, regpass.Quote(audience))
}

// githubMissing explains why the runner offers no token service to this job.
func githubMissing(env *regpass.Env, audience string) error {
	const variables = "ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN"
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
