package registry

import (
	"fmt"
	"slices"

	"github.com/regpass/regpass"
)

// gitlab is GitLab's package and container registries, on gitlab.com and on the server that the job runs on. It
// exchanges nothing: the job's own token is valid while the job runs
// (https://docs.gitlab.com/user/packages/, https://docs.gitlab.com/ci/jobs/ci_job_token/).
//
//	https://HOST/api/v4/projects/ID/packages/FORMAT/…
//	https://HOST/api/v4/groups/ID/-/packages/FORMAT/…
//	https://HOST/api/v4/packages/FORMAT/…
//	https://REGISTRY-HOST/…
var gitlab = Row{
	Name:    "gitlab",
	Title:   "GitLab's package and container registries",
	Proven:  "gitlab-ci-local",
	Doc:     "https://docs.gitlab.com/user/packages/",
	Pages:   []string{"gitlab.com"},
	Hosts:   []string{"gitlab.com/api/v4/…/packages/…", "registry.gitlab.com", "the same on the job's own server"},
	Example: "https://gitlab.com/api/v4/projects/7/packages/pypi/simple",
	Match: func(env *regpass.Env, ref regpass.Ref) bool {
		return isGitLabPackages(env, ref) || isGitLabImages(env, ref)
	},
	Runs: "GitLab",
	Path: "/api/v4/",
	Proofs: []Source{
		{Method: regpass.APIKey, Vars: []string{"CI_DEPLOY_USER", "CI_DEPLOY_PASSWORD"}, Parts: 2, CI: "gitlab",
			Doc: "with token=deploy, on the job's own server", Read: readGitLabDeployToken},
		{Method: regpass.ReadyToken, Vars: []string{"CI_REGISTRY_USER", "CI_REGISTRY_PASSWORD"}, Parts: 2,
			CI:  "gitlab",
			Doc: "on the container registry of the job's own server", Read: readGitLabRegistryUser},
		{Method: regpass.ReadyToken, Vars: []string{"CI_JOB_TOKEN"}, CI: "gitlab",
			Doc: "on the job's own server", Read: readGitLabJobToken},
	},
	Options: []Option{
		{Name: "token", Doc: "deploy: the project's deploy token instead of the job's own",
			Values: []string{"job", "deploy"}},
		{Name: "username", Doc: "user name to send with your key"},
	},
	Images: true,
	Trust:  trustGitLab,
	Open: func(*regpass.Env, regpass.Ref) (Target, error) {
		// A personal access token is taken with any user name.
		return Target{exchanger: keyRef{usual: regpass.Basic, username: gitlabAnyUser}}, nil
	},
}

// GitLab's hosts and user names.
const (
	gitlabCom     = "gitlab.com"
	gitlabComOCI  = "registry.gitlab.com"
	gitlabJobUser = "gitlab-ci-token" // goes with CI_JOB_TOKEN
	gitlabAnyUser = "__token__"       // goes with a personal access token, which GitLab takes with any user name
)

// gitlabForwards is why an index of GitLab must not be asked without a credential
// (https://docs.gitlab.com/user/packages/pypi_repository/#package-request-forwarding).
const gitlabForwards = "GitLab sends pip and npm on to the public registry for a package that the caller may not " +
	"see: without a credential a build gets somebody else's package of that name"

// isGitLabPackages reports whether ref is a package registry of gitlab.com or of the server that runs this job.
func isGitLabPackages(env *regpass.Env, ref regpass.Ref) bool {
	path, ok := pathOnJobServer(env, ref)
	if !ok && ref.Host == gitlabCom {
		path, ok = segments(ref.URL), true
	}
	if !ok || len(path) < 4 || path[0] != "api" || path[1] != "v4" {
		return false
	}
	rest := path[2:]
	if owner := rest[0]; owner == "projects" || owner == "groups" {
		if !gitlabOwner().MatchString(rest[1]) {
			return false
		}
		rest = rest[2:]
		if len(rest) > 0 && rest[0] == "-" {
			rest = rest[1:]
		}
	}
	return len(rest) >= 2 && rest[0] == "packages" && slices.Contains(gitlabFormats, rest[1]) &&
		!slices.ContainsFunc(rest[2:], func(s string) bool { return !gitlabPackage().MatchString(s) })
}

// gitlabFormats are the formats of the package registry, by their path
// (https://docs.gitlab.com/user/packages/package_registry/supported_functionality/).
var gitlabFormats = []string{"pypi", "npm", "nuget", "maven", "generic", "composer", "conan", "debian", "go", "helm",
	"ml_models", "rubygems", "terraform"}

// isGitLabImages reports whether ref is the container registry of gitlab.com or of the server that runs this job.
func isGitLabImages(env *regpass.Env, ref regpass.Ref) bool {
	return ref.Host == gitlabComOCI || isRegistryOfJob(env, ref)
}

// isRegistryOfJob reports whether ref is the container registry that GitLab names to this job: a host, with a port of
// its own if it has one (https://docs.gitlab.com/ci/variables/predefined_variables/).
func isRegistryOfJob(env *regpass.Env, ref regpass.Ref) bool {
	if env.Getenv("GITLAB_CI") != "true" {
		return false
	}
	named, err := regpass.ParseRef(env.Getenv("CI_REGISTRY"))
	return err == nil && named.URL.Scheme == ref.URL.Scheme && named.Host == ref.Host
}

var (
	// gitlabOwner matches the id of a project or group: a number, or its path with %2F for each slash.
	gitlabOwner = regpass.Pattern(`^[A-Za-z0-9_][A-Za-z0-9_.-]*(?:%2[Ff][A-Za-z0-9_][A-Za-z0-9_.-]*)*$`)
	// gitlabPackage matches what follows in an index: simple, and the name of a package, a version or a file.
	gitlabPackage = regpass.Pattern(`^[A-Za-z0-9@_-][A-Za-z0-9@._~%+-]*$`)
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

// isGitLabOfJob reports whether ref is on the server that runs this job, or its container registry.
func isGitLabOfJob(env *regpass.Env, ref regpass.Ref) bool {
	_, ok := pathOnJobServer(env, ref)
	return ok || isRegistryOfJob(env, ref)
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

// readGitLabRegistryUser reads what GitLab gives a job for its container registry.
func readGitLabRegistryUser(env *regpass.Env, t Target) (Proof, bool, error) {
	user, password := env.Getenv("CI_REGISTRY_USER"), env.Getenv("CI_REGISTRY_PASSWORD")
	if user == "" || password == "" || !isRegistryOfJob(env, t.Ref) {
		return Proof{}, false, nil
	}
	return Proof{Method: regpass.ReadyToken, From: "CI_REGISTRY_PASSWORD", Secret: regpass.NewSecret(password),
		Kind: regpass.Basic, Username: user}, true, nil
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
			"read_package_registry, or read_registry for images, in the project's settings, under Repository; %s",
			gitlabForwards)
	}
	return Proof{Method: regpass.APIKey, From: "CI_DEPLOY_PASSWORD", Secret: regpass.NewSecret(password),
		Kind: regpass.Basic, Username: user}, true, nil
}

// trustGitLab says what lets the token of another project's job in: no identity is exchanged.
func trustGitLab(env *regpass.Env, t Target, j Job) (Trust, error) {
	project := known(j.Claim("project_path"), "GROUP/PROJECT")
	from := known(j.Claim("project_id"), "ID of the job's project")
	of := placeholder("ID of the registry's project")
	path, ok := pathOnJobServer(env, t.Ref)
	if !ok {
		path = segments(t.Ref.URL)
	}
	if len(path) > 3 && path[2] == "projects" {
		of = path[3]
	}
	return Trust{
		Where: "the project of the registry, Settings, CI/CD, Job token permissions",
		Fields: []Field{{"project to add to the allowlist", project}, {"its ID", from},
			{"permission, if they are fine-grained", "Packages: Read, or Containers: Read"}},
		Shell: fmt.Sprintf("glab api --method POST %s -F %s\n",
			shell("projects/"+of+"/job_token_scope/allowlist"), shell("target_project_id="+from)),
		Notes: []string{"GitLab takes no ID token for packages: the job's own token is the credential, and ends with it.",
			"The registry of the job's own project needs no entry.",
			"The person who started the job must be allowed to read the registry's project too.",
			gitlabForwards + "."},
	}, nil
}
