package registry

import (
	"context"
	"net/http"
	"path"
	"strings"

	"github.com/regpass/regpass"
)

// Indexes of a language publish for a job that an owner of the package entered as its publisher. Each row matches only
// the address for uploads, or takes type=, and sets AnyHost: a file of the checkout never gets the right to publish.
// What an identity is exchanged for is in a scope of publishing.

// publishOf is an index that exchanges identities for tokens, and takes its users' tokens as they are.
type publishOf struct {
	keys keyRef // how a token is presented
	mint func(context.Context, *regpass.Env, Target, Proof) (token, error)
}

func (x publishOf) exchange(ctx context.Context, env *regpass.Env, t Target, p Proof) (regpass.Credential, error) {
	if p.Method != regpass.OIDC {
		return x.keys.exchange(ctx, env, t, p)
	}
	got, err := x.mint(ctx, env, t, p)
	if err != nil {
		return regpass.Credential{}, err
	}
	return regpass.Credential{Kind: x.keys.usual, Username: x.keys.username, Secret: got.secret, Expires: got.expires}, nil
}

// postIdentity shows an identity for the target's audience to a path of the index, in the body's field, and decodes the
// answer into v.
func postIdentity(ctx context.Context, env *regpass.Env, t Target, p Proof, op, path, field string, v any) error {
	return p.withIdentity(ctx, env, t.Row.Name, t.Audience, func(ctx context.Context, id regpass.Identity) error {
		return env.DoJSON(ctx, regpass.Request{Op: op, Method: http.MethodPost, URL: apiURL(t.Receiver, path),
			JSON: map[string]any{field: id.Token}}, v)
	})
}

// tokenOf is a source of tokens that only some servers may see, because their variable is of one server.
func tokenOf(doc string, mayHave func(*regpass.Env, Target) bool, vars ...string) Source {
	plain := Source{Method: regpass.ReadyToken, Vars: vars, Doc: doc}
	all := plain
	all.Read = func(env *regpass.Env, t Target) (Proof, bool, error) {
		if !mayHave(env, t) {
			return Proof{}, false, nil
		}
		return plain.Find(env, t)
	}
	return all
}

// serverOf is a source whose variable is for the server that another one names.
func serverOf(variable string, s Source) Source {
	s.Server = variable
	return s
}

// onHost reports whether the target is on https at the host.
func onHost(host string) func(*regpass.Env, Target) bool {
	return func(_ *regpass.Env, t Target) bool { return isHost(t.Ref, host) }
}

func isHost(ref regpass.Ref, host string) bool { return ref.Host == host && ref.URL.Scheme == "https" }

// onServerOf reports whether the variable names the target's server.
func onServerOf(variable string) func(*regpass.Env, Target) bool {
	return func(env *regpass.Env, t Target) bool {
		named, err := regpass.ParseRef(env.Getenv(variable))
		return err == nil && named.URL.Scheme == t.Ref.URL.Scheme && named.Host == t.Ref.Host
	}
}

// byType is the Match of rows whose servers do not tell their kind.
func byType(*regpass.Env, regpass.Ref) bool { return false }

// publisher is a job as the forms of indexes ask for it.
type publisher struct {
	gitLab            bool
	issuer            string
	owner, repository string // owner may be a group and its subgroups
	file              string // of the workflow: its name on GitHub, its path on GitLab
	environment       string // may be empty
}

var (
	// workflowFile finds the file in GitHub's claim workflow_ref: acme/app/.github/workflows/release.yml@refs/heads/main
	// (https://docs.github.com/en/actions/reference/security/oidc).
	workflowFile = regpass.Pattern(`^[^/@]+/[^/@]+/\.github/workflows/([^/@]+)@`)
	// pipelineFile finds the path in GitLab's claim ci_config_ref_uri:
	// gitlab.com/acme/app//.gitlab-ci.yml@refs/heads/main (https://docs.gitlab.com/ci/secrets/id_token_authentication/).
	pipelineFile = regpass.Pattern(`^[^@]+?//([^@]+)@`)
)

// The issuers that indexes know.
const (
	githubIssuer = "https://token.actions.githubusercontent.com"
	gitlabIssuer = "https://gitlab.com"
)

// publisherOf reads the claims of a job on GitHub, or where the index takes those too, on GitLab. A job of any other
// issuer is not known here.
func publisherOf(t Target, j Job, gitLab func(issuer string) bool) (publisher, error) {
	p := publisher{issuer: j.Issuer, environment: j.Claim("environment")}
	var whole string
	switch {
	case j.Issuer == githubIssuer:
		whole, p.file = j.Claim("repository"), submatch(workflowFile().FindStringSubmatch(j.Claim("workflow_ref")))
	case gitLab(j.Issuer) && j.Claim("project_path") != "":
		p.gitLab = true
		whole, p.file = j.Claim("project_path"), submatch(pipelineFile().FindStringSubmatch(j.Claim("ci_config_ref_uri")))
	default:
		err := regpass.NoIdentityf("%s: what to enter at %s for a job of the issuer %s is not known", t.Row.Name,
			t.Receiver.Host, regpass.Quote(j.Issuer))
		return publisher{}, regpass.Hintf(err, "if the index takes that CI system, %s says it; "+
			"otherwise publish with a token of the index", t.Row.Doc)
	}
	p.owner, p.repository = path.Dir(whole), path.Base(whole)
	if !strings.Contains(whole, "/") {
		p.owner, p.repository = "", ""
	}
	return p, nil
}

func submatch(m []string) string {
	if m == nil {
		return ""
	}
	return m[1]
}

func noGitLab(string) bool         { return false }
func gitLabCom(issuer string) bool { return issuer == gitlabIssuer }
func anyGitLab(issuer string) bool { return issuer != "" }
func (p publisher) full() string {
	return known(p.owner, "OWNER") + "/" + known(p.repository, "REPOSITORY")
}
func (p publisher) fileName() string { return known(p.file, "WORKFLOW FILE") }

// fields are what to enter, under the form's own names for owner, repository, file and environment.
func (p publisher) fields(owner, repository, file, environment string) []Field {
	all := []Field{{owner, known(p.owner, "OWNER")}, {repository, known(p.repository, "REPOSITORY")}, {file, p.fileName()}}
	if p.environment != "" {
		all = append(all, Field{environment, p.environment})
	}
	return all
}

// notes say how far the entry reaches.
func (p publisher) notes(more ...string) []string {
	if p.file == "" {
		more = append(more, "Of a job that only flags describe, --workflow FILE and --environment NAME fill in the rest.")
	}
	if p.environment == "" {
		more = append(more, "This job has no environment, so any branch with that file may publish: "+
			"give the job one that only the release branch or tag may use, and enter it.")
	}
	if !p.gitLab {
		more = append(more, "The file is that of the workflow that was started, also if a reusable one does the work.")
	}
	return more
}
