package registry

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// pypi publishes to PyPI, its test server and others that run its software, Warehouse.
var pypi = Row{
	Name:      "pypi",
	Title:     "PyPI and servers that run its software, to publish",
	Proven:    "a strict fake",
	Doc:       "https://docs.pypi.org/trusted-publishers/",
	Hosts:     []string{"upload.pypi.org/legacy/", "test.pypi.org/legacy/"},
	Example:   pypiUploads,
	Match:     matchPyPI,
	AnyHost:   true,
	Publishes: true,
	Readers: map[string]string{"pypi.org": pypiUploads, "files.pythonhosted.org": pypiUploads,
		"upload.pypi.org": pypiUploads, "test.pypi.org": "https://test.pypi.org/legacy/"},
	Proofs: []Source{
		tokenOf("for the server of UV_PUBLISH_URL, or PyPI", onPublishURL, "UV_PUBLISH_TOKEN"),
		{Method: regpass.ReadyToken, Vars: []string{"TWINE_PASSWORD"}, Read: readTwine,
			Doc: "with TWINE_USERNAME, for the server of TWINE_REPOSITORY_URL or TWINE_REPOSITORY, or PyPI"},
	},
	OIDC: true,
	Refusals: []Refusal{
		{"unknown trusted publishing issuer", "the index takes identities of few CI systems only; " +
			"give regpass a token of the index in UV_PUBLISH_TOKEN"},
		{"no corresponding publisher", "no publisher is entered there whose owner, repository, workflow file and " +
			"environment are those of this job; a project that does not exist needs a pending publisher"},
		{"already used", "the index takes an identity once; run the step again"},
	},
	Trust: trustPyPI,
	Open:  openPyPI,
}

const pypiUploads = "https://upload.pypi.org/legacy/"

// pypiUser is the user name that goes with a token (https://pypi.org/help/#apitoken).
const pypiUser = "__token__"

// pypiServer is one of PyPI's own: where it takes uploads, where it mints tokens, and the audience of identities.
type pypiServer struct{ upload, mint, audience string }

// pypiServers are https://docs.pypi.org/trusted-publishers/internals/ and its test server.
var pypiServers = []pypiServer{
	{"upload.pypi.org", "pypi.org", "pypi"},
	{"test.pypi.org", "test.pypi.org", "testpypi"},
}

// pypiServerOf finds the server of PyPI's own whose address for uploads ref is.
func pypiServerOf(ref regpass.Ref) (pypiServer, bool) {
	i := slices.IndexFunc(pypiServers, func(s pypiServer) bool { return isHost(ref, s.upload) })
	if i < 0 || strings.Trim(ref.URL.EscapedPath(), "/") != "legacy" {
		return pypiServer{}, false
	}
	return pypiServers[i], true
}

// matchPyPI takes the two addresses for uploads alone: https://pypi.org/simple is an index that everyone may read.
func matchPyPI(_ *regpass.Env, ref regpass.Ref) bool {
	_, ok := pypiServerOf(ref)
	return ok
}

func openPyPI(_ *regpass.Env, ref regpass.Ref) (Target, error) {
	server, own := pypiServerOf(ref)
	if !own && (inDomain(ref.URL.Hostname(), "pypi.org") || slices.Contains(segments(ref.URL), "simple")) {
		err := regpass.Usagef("pypi: %s is not where an index takes uploads", regpass.Quote(ref.String()))
		return Target{}, regpass.Hintf(err, "PyPI's is https://upload.pypi.org/legacy/, "+
			"that of its test server https://test.pypi.org/legacy/; to read, leave out type=pypi")
	}
	t := Target{Receiver: origin(ref), Audience: ref.Options["audience"], Scope: publishing + ref.Host}
	if own {
		t.Receiver = &url.URL{Scheme: "https", Host: server.mint}
	}
	t.exchanger = publishOf{keys: keyRef{usual: regpass.Basic, username: pypiUser}, mint: mintPyPI}
	return t, nil
}

// mintPyPI asks for the audience, and exchanges an identity for a token of 15 minutes.
//
//	GET  /_/oidc/audience     {"audience": …}
//	POST /_/oidc/mint-token   {"token": ID token}
//	{"success": true, "token": …, "expires": seconds since 1970}
//
// https://docs.pypi.org/trusted-publishers/internals/
func mintPyPI(ctx context.Context, env *regpass.Env, t Target, p Proof) (token, error) {
	if t.Audience == "" && p.Audience == "" {
		var err error
		t.Audience, err = askAudience(ctx, env, "pypi: ask for the audience", apiURL(t.Receiver, "/_/oidc/audience"),
			func(audience string) bool {
				server, own := pypiServerOf(t.Ref)
				return own && audience == server.audience
			})
		if status(err) == http.StatusForbidden {
			err = regpass.Hintf(err, "the index has switched Trusted Publishing off; give regpass a token of it")
		}
		if err != nil {
			return token{}, err
		}
	}
	const op = "pypi: exchange the CI identity"
	var got struct {
		Token   string `json:"token"`
		Expires any    `json:"expires"`
	}
	if err := postIdentity(ctx, env, t, p, op, "/_/oidc/mint-token", "token", &got); err != nil {
		return token{}, err
	}
	return newTokenUntil(env, op, got.Token, got.Expires, sinceEpoch)
}

// onPublishURL reports whether uv would send UV_PUBLISH_TOKEN to the target
// (https://docs.astral.sh/uv/reference/environment/). An index of UV_PUBLISH_INDEX stands in a file of the project, so
// nobody here knows where that is.
func onPublishURL(env *regpass.Env, t Target) bool {
	if env.Getenv("UV_PUBLISH_URL") != "" {
		return onServerOf("UV_PUBLISH_URL")(env, t)
	}
	return env.Getenv("UV_PUBLISH_INDEX") == "" && isHost(t.Ref, pypiServers[0].upload)
}

// readTwine reads what twine would send to the target (https://twine.readthedocs.io/en/stable/#environment-variables).
// A name of TWINE_REPOSITORY other than the two stands in ~/.pypirc.
func readTwine(env *regpass.Env, t Target) (Proof, bool, error) {
	password, user := env.Getenv("TWINE_PASSWORD"), env.Getenv("TWINE_USERNAME")
	var its bool
	switch name := env.Getenv("TWINE_REPOSITORY"); {
	case env.Getenv("TWINE_REPOSITORY_URL") != "":
		its = onServerOf("TWINE_REPOSITORY_URL")(env, t)
	case name == "" || name == "pypi":
		its = isHost(t.Ref, pypiServers[0].upload)
	case name == "testpypi":
		its = isHost(t.Ref, pypiServers[1].upload)
	}
	if password == "" || !its {
		return Proof{}, false, nil
	}
	return Proof{Method: regpass.ReadyToken, From: "TWINE_PASSWORD", Secret: regpass.SecretLine(password),
		Username: user}, true, nil
}

func trustPyPI(_ *regpass.Env, t Target, j Job) (Trust, error) {
	p, err := publisherOf(t, j, anyGitLab)
	if err != nil {
		return Trust{}, err
	}
	out := Trust{
		Where:  "https://" + t.Receiver.Host + "/manage/account/publishing/, or the project's own page Publishing",
		Fields: p.fields("Owner", "Repository name", "Workflow name", "Environment name"),
		Notes:  p.notes(),
	}
	if p.gitLab {
		out.Fields = p.fields("Namespace", "Project name", "Top-level pipeline file path", "Environment name")
		if p.issuer != gitlabIssuer {
			out.Fields = append([]Field{{"Issuer URL", p.issuer}}, out.Fields...)
			out.Notes = append(out.Notes, "A GitLab of your own must first be allowed for your organization there.")
		}
	}
	return out, nil
}
