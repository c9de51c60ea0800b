package secret

import (
	"net/url"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// value is a part of a credential that is handed out by itself.
type value struct {
	use   Use
	names func(Source) []string           // of variables for ForClient, of ids for the others
	of    func(regpass.Credential) string // empty: the credential has none
	named bool                            // the user chose the name
}

// values are the parts of each source's credential that are handed out by themselves.
//
// pip has neither a value nor a file of its own: it reads the netrc. A pip.conf could only hold the token in a URL.
var values = []value{
	{ForClient, clientVar, secretOf, false},
	{ForClient, indexUsername, usernameOf, true},
	{ForClient, indexPassword, secretOf, true},
	{ForStep, eachHost(hostID), secretOf, false},
	{ForDaemon, eachHost(httpID("HTTP_AUTH_TOKEN_")), bearerOf, false},
	{ForDaemon, eachHost(httpID("HTTP_AUTH_HEADER_")), basicOf, false},
	{ForDaemon, eachHost(gitID("GIT_AUTH_HEADER.")), gitHeaderOf, false},
	{ForDaemon, eachHost(gitID("GIT_AUTH_TOKEN.")), gitTokenOf, false},
}

// apiKey is a long-lived API key. It is handed out only if the user names its id, since a step that has the key can use
// it for anything, for as long as it lives.
type apiKey struct {
	id, env string
	from    []string // variables that may hold it, in order
}

var apiKeys = []apiKey{
	{"pyx_api_key", "PYX_API_KEY", []string{"PYX_API_KEY", "UV_API_KEY"}},
}

// secret describes a value of that name as a step sees it.
func (v value) secret(name string) Secret {
	switch v.use {
	case ForClient:
		return Secret{ID: strings.ToLower(name), Use: v.use, Env: name}
	case ForStep:
		return Secret{ID: name, Use: v.use, Target: secretsDir + name}
	}
	return Secret{ID: name, Use: v.use}
}

func clientVar(s Source) []string {
	if s.ClientVar == "" {
		return nil
	}
	return []string{s.ClientVar}
}

// indexUsername and indexPassword return the variables that uv reads for a registry that is a named index.
func indexUsername(s Source) []string {
	if name, ok := s.Ref.Options["name"]; ok {
		username, _ := envsync.IndexVars(name)
		return []string{username}
	}
	return nil
}

func indexPassword(s Source) []string {
	if name, ok := s.Ref.Options["name"]; ok {
		_, password := envsync.IndexVars(name)
		return []string{password}
	}
	return nil
}

func eachHost(id func(host string) string) func(Source) []string {
	return func(s Source) []string {
		var all []string
		for _, h := range s.hosts() {
			if id := id(h); id != "" {
				all = append(all, id)
			}
		}
		return all
	}
}

// httpID returns the id that BuildKit asks for before each request for ADD: the prefix and the URL's host without port
// (source/http/source.go, newHTTPRequest). It asks for plain http too, and for every port of the host.
func httpID(prefix string) func(host string) string {
	return func(host string) string {
		u, err := url.Parse("https://" + host)
		if err != nil || strings.Contains(host, "/") {
			return "" // s3://bucket
		}
		return prefix + u.Hostname()
	}
}

// gitID returns the id that BuildKit asks for before it fetches from a git remote: the prefix and the URL's host with
// its port (source/git/source.go, authSecretNames). It asks for the header before the token.
func gitID(prefix string) func(host string) string {
	return func(host string) string {
		if strings.Contains(host, "/") {
			return ""
		}
		return prefix + host
	}
}

func secretOf(c regpass.Credential) string   { return c.Secret.Reveal() }
func usernameOf(c regpass.Credential) string { return c.Username }

// bearerOf is the token that BuildKit sends as Authorization: Bearer.
func bearerOf(c regpass.Credential) string {
	if c.Kind != regpass.Bearer {
		return ""
	}
	return c.Secret.Reveal()
}

// basicOf is a value of the header Authorization (RFC 7617).
func basicOf(c regpass.Credential) string {
	if c.Kind != regpass.Basic {
		return ""
	}
	return c.Authorization()
}

// gitHeaderOf is for credentials with a user name, which may be empty: git servers speak Basic, and with the token
// alone BuildKit sends the name x-access-token, which is GitHub's.
func gitHeaderOf(c regpass.Credential) string {
	if c.Kind == regpass.Bearer && c.Username != "" {
		c.Kind = regpass.Basic
	}
	return basicOf(c)
}

func gitTokenOf(c regpass.Credential) string {
	if c.Username != "" {
		return ""
	}
	return bearerOf(c)
}
