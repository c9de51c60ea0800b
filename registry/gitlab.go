package registry

import (
	"slices"

	"github.com/regpass/regpass"
)

// gitlab is GitLab's package registry for Python packages, on gitlab.com and on the server that the job runs on. It
// exchanges nothing: the job's own token is valid while the job runs
// (https://docs.gitlab.com/user/packages/pypi_repository/, https://docs.gitlab.com/ci/jobs/ci_job_token/).
//
//	https://HOST/api/v4/projects/ID/packages/pypi[/simple]
//	https://HOST/api/v4/groups/ID/-/packages/pypi/simple
var gitlab = Row{
	Name:    "gitlab",
	Title:   "GitLab's package registry, for Python packages",
	Doc:     "https://docs.gitlab.com/user/packages/pypi_repository/",
	Hosts:   []string{"gitlab.com/api/v4/…/packages/pypi", "the same on the job's own server"},
	Example: "https://gitlab.com/api/v4/projects/7/packages/pypi/simple",
	Match:   matchGitLab,
	Proofs: []Source{
		{Method: regpass.APIKey, Vars: []string{"CI_DEPLOY_USER", "CI_DEPLOY_PASSWORD"}, CI: "gitlab",
			Doc: "with token=deploy, on the job's own server", Read: readGitLabDeployToken},
		{Method: regpass.ReadyToken, Vars: []string{"CI_JOB_TOKEN"}, CI: "gitlab",
			Doc: "on the job's own server", Read: readGitLabJobToken},
	},
	Options: []Option{
		{Name: "token", Doc: "deploy: the project's deploy token instead of the job's own",
			Values: []string{"job", "deploy"}},
		{Name: "username", Doc: "user name to send with your key"},
	},
	Open: func(*regpass.Env, regpass.Ref) (Target, error) {
		// A personal access token is taken with any user name.
		return Target{exchanger: keyRef{usual: regpass.Basic, username: gitlabAnyUser}}, nil
	},
}

// GitLab's host and user names.
const (
	gitlabCom     = "gitlab.com"
	gitlabJobUser = "gitlab-ci-token" // goes with CI_JOB_TOKEN
	gitlabAnyUser = "__token__"       // goes with a personal access token, which GitLab takes with any user name
)

func matchGitLab(env *regpass.Env, ref regpass.Ref) bool {
	path, ok := pathOnJobServer(env, ref)
	if !ok && ref.Host == gitlabCom {
		path, ok = segments(ref.URL), true
	}
	if !ok || len(path) < 6 || path[0] != "api" || path[1] != "v4" || !gitlabOwner().MatchString(path[3]) {
		return false
	}
	if owner := path[2]; owner != "projects" && owner != "groups" {
		return false
	}
	rest := path[4:]
	if rest[0] == "-" {
		rest = rest[1:]
	}
	return len(rest) >= 2 && rest[0] == "packages" && rest[1] == "pypi" &&
		!slices.ContainsFunc(rest[2:], func(s string) bool { return !gitlabPackage().MatchString(s) })
}

var (
	// gitlabOwner matches the id of a project or group: a number, or its path with %2F for each slash.
	gitlabOwner = regpass.Pattern(`^[A-Za-z0-9_][A-Za-z0-9_.-]*(?:%2[Ff][A-Za-z0-9_][A-Za-z0-9_.-]*)*$`)
	// gitlabPackage matches what follows in an index: simple, and the name of a package.
	gitlabPackage = regpass.Pattern(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
)

// pathOnJobServer returns the segments of ref's path below the path of the server that runs this job. ok is false on
// any other server, by the scheme, host, port and path in CI_SERVER_URL
// (https://docs.gitlab.com/ci/variables/predefined_variables/).
func pathOnJobServer(env *regpass.Env, ref regpass.Ref) (path []string, ok bool) {
	if env.Getenv("GITLAB_CI") != "true" {
		return nil, false
	}
	server, err := regpass.ParseRef(env.Getenv("CI_SERVER_URL"))
	if err != nil || server.URL.Scheme != ref.URL.Scheme || server.Host != ref.Host {
		return nil, false
	}
	path = segments(ref.URL)
	if server.URL.Path == "/" {
		return path, true
	}
	base := segments(server.URL) // a server may lie below a path: https://example.com/gitlab
	if len(path) < len(base) || !slices.Equal(path[:len(base)], base) {
		return nil, false
	}
	return path[len(base):], true
}

// isGitLabOfJob reports whether ref is on the server that runs this job.
func isGitLabOfJob(env *regpass.Env, ref regpass.Ref) bool {
	_, ok := pathOnJobServer(env, ref)
	return ok
}

// readGitLabJobToken reads the job's token. Only the job's own server may see it.
func readGitLabJobToken(env *regpass.Env, t Target) (Proof, bool, error) {
	value := env.Getenv("CI_JOB_TOKEN")
	if value == "" || !isGitLabOfJob(env, t.Ref) {
		return Proof{}, false, nil
	}
	return Proof{Method: regpass.ReadyToken, From: "CI_JOB_TOKEN", Secret: regpass.NewSecret(value), Kind: regpass.Basic,
		Username: gitlabJobUser}, true, nil
}

// readGitLabDeployToken reads the project's deploy token. GitLab gives every job the one with the name
// gitlab-deploy-token (https://docs.gitlab.com/user/project/deploy_tokens/#gitlab-deploy-token).
func readGitLabDeployToken(env *regpass.Env, t Target) (Proof, bool, error) {
	if t.option(env, "token") != "deploy" {
		return Proof{}, false, nil
	}
	user, password := env.Getenv("CI_DEPLOY_USER"), env.Getenv("CI_DEPLOY_PASSWORD")
	if user == "" || password == "" || !isGitLabOfJob(env, t.Ref) {
		err := regpass.NoIdentityf("gitlab: %s: token=deploy, but the job has no deploy token for it",
			regpass.Quote(t.Ref.String()))
		return Proof{}, false, regpass.Hintf(err, "make a deploy token called gitlab-deploy-token with the scope "+
			"read_package_registry in the project's settings, under Repository")
	}
	return Proof{Method: regpass.APIKey, From: "CI_DEPLOY_PASSWORD", Secret: regpass.NewSecret(password),
		Kind: regpass.Basic, Username: user}, true, nil
}
