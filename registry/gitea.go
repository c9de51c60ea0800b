package registry

import (
	"slices"

	"github.com/regpass/regpass"
)

// gitea is the packages and the images of Gitea and Forgejo, on the server that runs the job, or with type=gitea. They
// take a token as the password of any user (services/auth/basic.go there), and exchange nothing.
//
//	https://HOST/api/packages/OWNER/pypi[/simple], …/conda, …/npm/, …/cargo/
//	HOST, for images
var gitea = Row{
	Name:    "gitea",
	Also:    []string{"forgejo", "codeberg"},
	Title:   "packages and images of Gitea and Forgejo",
	Proven:  "documentation",
	Doc:     "https://docs.gitea.com/usage/packages/overview",
	Hosts:   []string{"HOST/api/packages/… on the job's own server", "others with type=gitea"},
	Example: "https://git.example/api/packages/acme/pypi/simple type=gitea",
	Match:   matchGitea,
	Runs:    "Gitea or Forgejo",
	Path:    "/api/packages/",
	Proofs: []Source{
		tokenOf("on the job's own server", isGiteaOfJob, "GITEA_TOKEN", "FORGEJO_TOKEN", "GITHUB_TOKEN"),
		serverOf("GITEA_SERVER_URL", tokenOf("for the server of GITEA_SERVER_URL", onServerOf("GITEA_SERVER_URL"),
			"GITEA_SERVER_TOKEN")),
	},
	Images: true,
	Options: []Option{
		{Name: "username", Doc: "user name to send with the token; any will do"}},
	Open: func(*regpass.Env, regpass.Ref) (Target, error) {
		return Target{exchanger: keyRef{usual: regpass.Basic, username: giteaAnyUser}}, nil
	},
}

const giteaAnyUser = "__token__"

// matchGitea takes packages and, where only a host was written, images. Both are below the job's own server.
func matchGitea(env *regpass.Env, ref regpass.Ref) bool {
	path, ok := pathOnGitea(env, ref)
	return ok && (ref.Bare || len(path) >= 3 && path[0] == "api" && path[1] == "packages")
}

// pathOnGitea returns the segments of ref's path below the path of the Gitea or Forgejo that runs this job. ok is false
// on any other server. Both set GitHub's variables too, so one of their own must say which of the three it is. That
// every Forgejo sets one of the two is unproven; without, type=gitea helps.
func pathOnGitea(env *regpass.Env, ref regpass.Ref) (path []string, ok bool) {
	if env.Getenv("GITEA_ACTIONS") != "true" && env.Getenv("FORGEJO_ACTIONS") != "true" {
		return nil, false
	}
	server, err := regpass.ParseRef(env.Getenv("GITHUB_SERVER_URL"))
	if err != nil || server.URL.Scheme != ref.URL.Scheme || server.Host != ref.Host {
		return nil, false
	}
	path = segments(ref.URL)
	if server.URL.Path == "/" || ref.Bare {
		return path, true
	}
	base := segments(server.URL)
	if len(path) < len(base) || !slices.Equal(path[:len(base)], base) {
		return nil, false
	}
	return path[len(base):], true
}

func isGiteaOfJob(env *regpass.Env, t Target) bool {
	_, ok := pathOnGitea(env, t.Ref)
	return ok
}
