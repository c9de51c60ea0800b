package registry

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// github is GitHub Packages and its container registry. It exchanges nothing: the job's own token is valid while the
// job runs, and may read and write what the workflow's permissions and the package's settings say
// (https://docs.github.com/packages/learn-github-packages/about-permissions-for-github-packages).
var github = Row{
	Name:    "github",
	Also:    []string{"ghcr"},
	Title:   "GitHub Packages and GitHub's container registry",
	Proven:  "documentation",
	Doc:     "https://docs.github.com/packages/learn-github-packages/introduction-to-github-packages",
	Pages:   []string{"github.com", "www.github.com"},
	Hosts:   []string{"ghcr.io", "{npm,nuget,maven,rubygems,docker}.pkg.github.com", "those of the job's own server"},
	Example: "https://npm.pkg.github.com/acme",
	Match:   func(env *regpass.Env, ref regpass.Ref) bool { return githubServes(env, ref) != "" },
	Runs:    "GitHub Enterprise Server",
	Path:    "/_registry/",
	Proofs: []Source{ // gh takes its own variables first (https://cli.github.com/manual/gh_help_environment)
		{Method: regpass.APIKey, Vars: []string{"GH_TOKEN"},
			Doc:  "for github.com, or the subdomain of ghe.com that runs the job",
			Read: readGitHubToken("GH_TOKEN", onGitHubCloud)},
		{Method: regpass.APIKey, Vars: []string{"GH_ENTERPRISE_TOKEN"},
			Doc:  "for the GitHub Enterprise Server that runs the job",
			Read: readGitHubToken("GH_ENTERPRISE_TOKEN", func(server string) bool { return !onGitHubCloud(server) })},
		{Method: regpass.APIKey, Vars: []string{"GITHUB_TOKEN"},
			Doc:  "for the server that runs the job, otherwise github.com",
			Read: readGitHubToken("GITHUB_TOKEN", func(string) bool { return true })},
	},
	Options: []Option{{Name: "username", Doc: "user name to send with the token; GitHub takes any"}, bearerOrBasic},
	Images:  true,
	Trust:   trustGitHub,
	Open:    func(*regpass.Env, regpass.Ref) (Target, error) { return Target{exchanger: githubRef{}}, nil },
}

const (
	githubURL  = "https://github.com"
	githubUser = "x-access-token" // goes with a token, which GitHub takes with any user name
)

// githubHost matches the hosts of github.com that serve packages.
var githubHost = hostPattern(`^(?:ghcr\.io|(?:npm|nuget|maven|rubygems|docker)\.pkg\.github\.com)$`,
	"ghcr.io", ".pkg.github.com")

// githubSubdomains are the hosts below a GitHub of one's own that serve packages, if it has subdomain isolation;
// otherwise they are paths below /_registry/
// (docs.github.com, Enabling subdomain isolation, of GitHub Enterprise Server 3.17).
var githubSubdomains = []string{"npm.", "nuget.", "maven.", "rubygems.", "docker.", "containers."}

// githubServes is the origin of the server whose packages ref names: github.com, or the one that runs the job; empty:
// neither.
func githubServes(env *regpass.Env, ref regpass.Ref) string {
	if githubHost(ref.Host) != nil {
		return githubURL
	}
	own := githubOfJob(env)
	if own == nil || own.String() == githubURL || own.Scheme != ref.URL.Scheme {
		return ""
	}
	below := func(sub string) bool { return ref.Host == sub+own.Host }
	if slices.ContainsFunc(githubSubdomains, below) || below("") && segments(ref.URL)[0] == "_registry" {
		return own.String()
	}
	return ""
}

// githubOfJob is the origin of the server that runs this job, and nil outside a job of GitHub's. Forgejo and Gitea set
// the same variables for their own servers.
func githubOfJob(env *regpass.Env) *url.URL {
	server, err := regpass.ParseRef(env.Getenv("GITHUB_SERVER_URL"))
	if err != nil || env.Getenv("FORGEJO_ACTIONS") != "" || env.Getenv("GITEA_ACTIONS") != "" {
		return nil
	}
	return origin(server)
}

// onGitHubCloud reports whether a server is github.com or one of ghe.com's.
func onGitHubCloud(server string) bool {
	return server == githubURL || strings.HasSuffix(server, ".ghe.com")
}

// readGitHubToken reads a token of GitHub's. In a job it is for the server that runs it: no other may see it, and that
// one only if the variable is for servers of its kind. In a job of an Enterprise Server, GH_TOKEN is somebody's token
// for github.com, or the job's own by mistake: nobody gets it.
func readGitHubToken(name string, isFor func(server string) bool) func(*regpass.Env, Target) (Proof, bool, error) {
	return func(env *regpass.Env, t Target) (Proof, bool, error) {
		value, of := env.Getenv(name), env.Getenv("GITHUB_SERVER_URL")
		if of == "" {
			of = githubURL
		} else if own := githubOfJob(env); own != nil {
			of = own.String()
		}
		if value == "" || githubServes(env, t.Ref) != of || !isFor(of) {
			return Proof{}, false, nil
		}
		return Proof{Method: regpass.APIKey, From: name, Secret: regpass.SecretLine(value)}, true, nil
	}
}

// githubRef is GitHub's packages, or those of a server of its kind.
type githubRef struct{}

func (githubRef) exchange(ctx context.Context, env *regpass.Env, t Target, p Proof) (regpass.Credential, error) {
	cred, err := keyRef{usual: regpass.Bearer}.exchange(ctx, env, t, p)
	if cred.Kind == regpass.Bearer && cred.Username == "" {
		cred.Username = githubUser
	}
	return cred, err
}

// trustGitHub says what lets a workflow's token in: no identity is exchanged.
func trustGitHub(_ *regpass.Env, t Target, j Job) (Trust, error) {
	repository := known(j.Claim("repository"), "OWNER/REPOSITORY")
	return Trust{
		Where: "the settings of each package, under Manage Actions access, and the workflow",
		Fields: []Field{{"repository", repository}, {"role", "Read; Write to publish"},
			{"permissions of the workflow", "packages: read; packages: write to publish"}},
		Workflow: []Field{{"GITHUB_TOKEN", "${{ github.token }}"}},
		Notes: []string{"GitHub takes no ID token for packages: the job's own token is the credential, and ends with it.",
			"A package that was published from the repository trusts it already.",
			"The token of a pull request from a fork can read at most."},
	}, nil
}

// inGitHub reports whether host is github.com or serves its packages.
func inGitHub(host string) bool {
	return host == "github.com" || githubHost(host) != nil
}
