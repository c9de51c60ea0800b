package clients

import (
	"cmp"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// uploader is a program that uploads Python packages and takes where to, and as whom, from variables. It sends the
// password to whatever server it is told, so it is told ours in the same breath.
type uploader struct {
	name                string   // of its sink
	runs                []string // envsync.Sink.Runs
	url, user, password string   // its variables
	token               string   // its variable for a token, which excludes user and password; or empty
	repository          string   // its variable for a server's name; or empty
	flags               []string // that name the server
	credentialFlags     []string // that say themselves who uploads
	plain               []envsync.Var
	reads               bool // without the variables it looks where it looks for an index's credential
	byName              bool // it knows a server by a name alone, as poetry does
}

var (
	// https://twine.readthedocs.io/en/stable/#environment-variables
	twine = uploader{name: "twine", runs: []string{"twine", "upload"},
		url: "TWINE_REPOSITORY_URL", user: "TWINE_USERNAME", password: "TWINE_PASSWORD",
		repository: "TWINE_REPOSITORY", flags: []string{"--repository-url", "--repository", "-r"},
		credentialFlags: []string{"--username", "-u", "--password", "-p"},
		plain:           []envsync.Var{{Name: "TWINE_NON_INTERACTIVE", Plain: "1"}}}
	// https://docs.astral.sh/uv/guides/package/#publishing-your-package
	uvPublish = uploader{name: "uv-publish", runs: []string{"uv", "publish"},
		url: "UV_PUBLISH_URL", user: "UV_PUBLISH_USERNAME",
		reads:    true,
		password: "UV_PUBLISH_PASSWORD", token: "UV_PUBLISH_TOKEN", repository: "UV_PUBLISH_INDEX",
		flags:           []string{"--publish-url", "--index"},
		credentialFlags: []string{"--token", "-t", "--username", "-u", "--password", "-p", "--trusted-publishing"}}
	// https://hatch.pypa.io/latest/publish/
	hatch = uploader{name: "hatch", runs: []string{"hatch", "publish"},
		url: "HATCH_INDEX_REPO", user: "HATCH_INDEX_USER", password: "HATCH_INDEX_AUTH",
		flags: []string{"--repo", "-r"}, credentialFlags: []string{"--user", "-u", "--auth", "-a"}}
	// https://pdm-project.org/latest/usage/publish/
	pdmPublish = uploader{name: "pdm-publish", runs: []string{"pdm", "publish"},
		url: "PDM_PUBLISH_REPO", user: "PDM_PUBLISH_USERNAME",
		password: "PDM_PUBLISH_PASSWORD", flags: []string{"--repository", "-r"},
		credentialFlags: []string{"--username", "-u", "--password", "-P"}}
	// https://python-poetry.org/docs/repositories/#publishing-to-a-private-repository
	poetryPublish = uploader{name: "poetry-publish", runs: []string{"poetry", "publish"},
		flags: []string{"--repository", "-r"}, byName: true,
		credentialFlags: []string{"--username", "-u", "--password", "-p"}}
)

// uploadServers are the servers that programs know by a name.
var uploadServers = map[string]string{
	"pypi": pypiUploads, "main": pypiUploads, "testpypi": testPyPIUploads, "test": testPyPIUploads,
}

const (
	pypiUploads     = "https://upload.pypi.org/legacy/"
	testPyPIUploads = "https://test.pypi.org/legacy/"
)

// tokenUser is the user name that says that the password is a token (https://pypi.org/help/#apitoken).
const tokenUser = "__token__"

// plan works out the variables. By default it leaves a credential of the user's own alone, and what it cannot tell is a
// warning.
func (u uploader) plan(env *regpass.Env, _ envsync.Private, entries []envsync.Entry, o envsync.Options) (
	envsync.Plan, error) {
	args := behind(o.Command, u.runs)
	if o.ByChance && u.told(env, args) {
		return envsync.Plan{}, nil
	}
	vars, err := u.vars(env, entries, args)
	if err != nil && o.ByChance {
		if u.reads {
			return envsync.Plan{}, nil
		}
		text := fmt.Sprintf("%s will not find the credential: %v", u.name, err)
		return envsync.Plan{Warnings: []string{strings.Join(append([]string{text}, regpass.Hints(err)...), "; ")}}, nil
	}
	return envsync.Plan{Vars: vars}, err
}

// told reports whether the user says already who uploads.
func (u uploader) told(env *regpass.Env, args []string) bool {
	for _, name := range []string{u.password, u.token} {
		if name != "" && env.Getenv(name) != "" {
			return true
		}
	}
	_, told := flagOf(args, u.credentialFlags)
	return told
}

// vars are the variables for the one of the entries that is meant.
func (u uploader) vars(env *regpass.Env, entries []envsync.Entry, args []string) ([]envsync.Var, error) {
	server, _ := flagOf(args, u.flags)
	name := ""
	switch {
	case u.byName && server == "":
		server = pypiUploads
	case u.byName:
		name, server = server, ""
	case server == "":
		server = cmp.Or(env.Getenv(u.url), env.Getenv(u.repository))
	}
	if known := uploadServers[server]; known != "" {
		server = known
	}
	e, err := u.entry(entries, server)
	if err != nil {
		return nil, err
	}
	c := e.Cred
	if err := envsync.CheckPrintable(c.Secret.Reveal()); err != nil {
		return nil, fmt.Errorf("%s: %s: the secret %w", u.name, e.Ref, err)
	}
	if u.byName {
		return poetryUpload(e, name)
	}
	user := cmp.Or(c.Username, tokenUser)
	vars := append([]envsync.Var{{Name: u.url, Plain: cmp.Or(server, e.Ref.URL.String())}}, u.plain...)
	if u.token != "" && user == tokenUser {
		return append(vars, envsync.Var{Name: u.token, Secret: c.Secret}), nil
	}
	return append(vars, envsync.Var{Name: u.user, Plain: user}, envsync.Var{Name: u.password, Secret: c.Secret}), nil
}

// poetryUpload are the variables of a server that poetry's command names, or of PyPI if it names none: only then poetry
// knows the address itself, and a poetry.toml may give any name to any server.
func poetryUpload(e envsync.Entry, name string) ([]envsync.Var, error) {
	key, err := poetryKey(cmp.Or(name, "pypi"))
	if err != nil {
		return nil, err
	}
	var vars []envsync.Var
	if name != "" {
		vars = append(vars, envsync.Var{Name: "POETRY_REPOSITORIES_" + key + "_URL", Plain: e.Ref.URL.String()})
	}
	if user := cmp.Or(e.Cred.Username, tokenUser); user != tokenUser {
		return append(vars, envsync.Var{Name: "POETRY_HTTP_BASIC_" + key + "_USERNAME", Plain: user},
			envsync.Var{Name: "POETRY_HTTP_BASIC_" + key + "_PASSWORD", Secret: e.Cred.Secret}), nil
	}
	return append(vars, envsync.Var{Name: "POETRY_PYPI_TOKEN_" + key, Secret: e.Cred.Secret}), nil
}

// entry picks the entry for the server, or the only one that takes uploads: of an index the URL to read from has the
// segment simple, and a bare host names no place to upload to.
func (u uploader) entry(entries []envsync.Entry, server string) (envsync.Entry, error) {
	var fit, named []envsync.Entry
	for _, e := range entries {
		segments := strings.Split(e.Ref.URL.Path, "/")
		switch c := e.Cred; {
		case c.Kind != regpass.Basic && c.Kind != regpass.Bearer, c.Kind == regpass.Basic && c.Username == "":
			continue
		case server == "" && (e.Ref.Bare || slices.Contains(segments, "simple") || slices.Contains(segments, "+simple")):
			continue
		}
		if fit = append(fit, e); e.Cred.Username != "" {
			named = append(named, e)
		}
	}
	if server != "" {
		if e, ok := envsync.ByName(u.name, []regpass.Named{{Client: u.name, Name: server, URL: server}}, fit)[server]; ok {
			return e, nil
		}
		err := regpass.Usagef("%s: no credential is for %s, where it is to upload to", u.name, shownServer(server))
		return envsync.Entry{}, regpass.Hintf(err, "name the URL for uploads as a registry")
	}
	if len(named) > 0 {
		fit = named
	}
	if len(fit) == 0 {
		err := regpass.Usagef("%s: no registry is the URL at which an index takes uploads", u.name)
		return envsync.Entry{}, regpass.Hintf(err, "name that URL as a registry, such as %s", pypiUploads)
	}
	for _, e := range fit[1:] {
		if e.Ref.String() != fit[0].Ref.String() {
			err := regpass.Usagef("%s: %s and %s may both be where to upload to", u.name, fit[0].Ref, e.Ref)
			return envsync.Entry{}, regpass.Hintf(err, "use two runs, one for each")
		}
	}
	return fit[0], nil
}

// shownServer is a server in the words of a command, without what may be a secret.
func shownServer(server string) string {
	if u, err := url.Parse(server); err == nil && u.Host != "" {
		return regpass.Quote(u.Host)
	}
	return "the server of that name"
}

// flagOf is the value of the first of the flags that are among the arguments, and whether one is.
func flagOf(args, flags []string) (value string, has bool) {
	for i, word := range args {
		for _, flag := range flags {
			after, joined := strings.CutPrefix(word, flag)
			switch {
			case word == flag && i+1 < len(args):
				return args[i+1], true
			case joined && strings.HasPrefix(after, "="):
				return after[1:], true
			case joined && after != "" && len(flag) == 2:
				return after, true
			}
		}
	}
	return "", false
}

// Runs reports whether a command is what Sink.Runs says, or starts it as `uvx twine upload` does.
func Runs(command, words []string) bool { return behind(command, words) != nil }

// behind are the arguments of the program of the first word, which the other words are among; nil: there is none.
func behind(command, words []string) []string {
	for i, word := range command {
		if strings.TrimSuffix(filepath.Base(word), ".exe") != words[0] {
			continue
		}
		args := command[i+1:]
		if !slices.ContainsFunc(words[1:], func(w string) bool { return !slices.Contains(args, w) }) {
			return args
		}
	}
	return nil
}
